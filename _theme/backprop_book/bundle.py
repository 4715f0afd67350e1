"""Make of a page's many style sheets and scripts one of each.

A browser draws nothing before it has them all, and most rules of the theme's style
sheets fit nothing in this book. What fits nothing is left out.
"""

import base64
import re
from pathlib import Path
from posixpath import normpath
from urllib.parse import urlsplit

import tinycss2
from sphinx.util import logging

from backprop_book.fonts import cut

logger = logging.getLogger(__name__)

STYLE, SCRIPT = "book.min.css", "book.min.js"
# The theme's own, which its template names before all others.
FIRST = ["styles/theme.css", "styles/pydata-sphinx-theme.css"]
LAST = ["scripts/bootstrap.js", "scripts/pydata-sphinx-theme.js"]
INLINE = "documentation_options.js"  # stands in the template, before all scripts
ADDRESS = re.compile(r"url\(\s*(['\"]?)([^'\")]+)\1\s*\)")
IMPORT = re.compile(r"@import\s+(?:url\()?['\"]?([^'\");]+)['\"]?\)?\s*;")
# The theme measures every listing of a page at once, which lays all of it out; book.js
# asks for each when it comes near.
MEASURED = (
    '["pre",".nboutput > .output_area",".cell_output > .output",'
    '".jp-RenderedHTMLCommon",".pst-scrollable-table-container"].join(", ")'
)
# Without a script a page is neither light nor dark; let it be light.
LIGHT = re.compile(r'\[data-theme="?light"?\]')
ICON_FONT = re.compile(
    r'url\("(vendor/fontawesome/[^"]+\.woff2)"\) *format\("woff2"\)(?:, *url\([^;}]*)?'
)
MAPS = re.compile(r"^//# sourceMappingURL=.*$", re.MULTILINE)
EITHER = re.compile(r":(?:not|is|where|has)\((?:[^()]|\([^()]*\))*\)")
NAME = re.compile(r"[.#](-?[A-Za-z_][\w-]*)")
WORD = re.compile(r"[A-Za-z_][\w-]*")
BLOCKS = ("media", "supports", "layer", "container")
# Things that the theme's script knows how to make, and never does in this book.
NEVER_MADE = {
    *("alert", "carousel", "dropstart", "o-tooltip", "offcanvas", "popover", "toast"),
    *("version-switcher__button", "version-switcher__menu"),
}
VARIABLE = re.compile(
    r"""(?<=[{;\s])(--[\w-]+)\s*:(?:[^;{}"']|"[^"]*"|'[^']*')*(?:;|(?=\}))"""
)
USED = re.compile(r"var\(\s*(--[\w-]+)")


def sheet(static, name):
    """Return a style sheet with what it imports, its addresses seen from `_static`."""
    path = static / name
    folder = path.parent.relative_to(static).as_posix()

    def from_static(match):
        address = match[2]
        if urlsplit(address).scheme or address.startswith("#"):
            return match[0]
        return f'url("{normpath(f"{folder}/{address}")}")'

    def imported(match):
        return sheet(static, normpath(f"{folder}/{match[1]}"))

    text = IMPORT.sub(imported, path.read_text(encoding="utf-8"))
    return ADDRESS.sub(from_static, text)


def fits(selector, words):
    """Tell whether all that one selector names occurs anywhere in the book."""
    return all(name in words for name in NAME.findall(EITHER.sub("", selector)))


def purged(rules, words):
    """Return the text of those rules that can fit."""
    kept = []
    for rule in rules:
        if rule.type == "qualified-rule":
            selectors = tinycss2.serialize(rule.prelude).split(",")
            if any(fits(selector, words) for selector in selectors):
                kept.append(rule.serialize())
        elif (
            rule.type == "at-rule" and rule.lower_at_keyword in BLOCKS and rule.content
        ):
            inner = purged(tinycss2.parse_rule_list(rule.content, True, True), words)
            if inner:
                head = tinycss2.serialize(rule.prelude)
                kept.append(f"@{rule.at_keyword}{head}{{{inner}}}")
        elif rule.type == "at-rule" and rule.lower_at_keyword != "charset":
            kept.append(rule.serialize())
    return "\n".join(kept)


def without_unused_variables(styles, scripts):
    """Leave out each variable that nothing asks for; most are the theme's settings."""
    used = set(USED.findall(styles))
    kept = VARIABLE.sub(
        lambda its: its[0] if its[1] in used or its[1] in scripts else "", styles
    )
    return kept if kept == styles else without_unused_variables(kept, scripts)


def words_of(pages, scripts):
    """Return every class and id of the pages, and every word of the scripts."""
    words = set(WORD.findall(scripts)) - NEVER_MADE
    for page in pages:
        text = page.read_text(encoding="utf-8")
        for names in re.findall(r'\b(?:class|id)="([^"]*)"', text):
            words.update(names.split())
    return words


def with_icons(styles, static):
    """Put the icons that a style sheet names, of 270 KB of fonts, into the sheet.

    They are there at once then, and nothing moves when they arrive.
    """
    points = {ord(icon) for icon in styles if 0xE000 <= ord(icon) <= 0xF8FF}

    def icons(match):
        font = cut(static / match[1], points, layout_features=[])
        data = base64.b64encode(font).decode("ascii")
        return f'url("data:font/woff2;base64,{data}") format("woff2")'

    return ICON_FONT.sub(icons, styles)


def note_files(app, pagename, templatename, context, doctree):
    """Note what a page would load; its template loads the bundle in its place."""
    for kind, key in (("css", "css_files"), ("js", "script_files")):
        for file in context[key]:
            name = getattr(file, "filename", None) or ""
            name = str(name).partition("?")[0].removeprefix("_static/")
            if name and name not in app.bundled[kind] and name != INLINE:
                app.bundled[kind].append(name)


def write_bundle(app, exception):
    """Write both files, once Sphinx has copied its own."""
    if exception or app.builder.name != "html" or not app.bundled["css"]:
        return  # when no page was written, nothing has changed
    static = Path(app.outdir, "_static")
    scripts = "\n;".join(
        MAPS.sub("", (static / name).read_text(encoding="utf-8"))
        for name in [*app.bundled["js"], *LAST]
    )
    if MEASURED not in scripts:
        logger.warning("the theme measures listings in another way than it did")
    scripts = scripts.replace(MEASURED, '".none"')
    (static / SCRIPT).write_text(scripts, encoding="utf-8")
    styles = "\n".join(sheet(static, name) for name in [*FIRST, *app.bundled["css"]])
    styles = LIGHT.sub(':not([data-theme="dark"])', styles)
    rules = tinycss2.parse_stylesheet(styles, skip_comments=True, skip_whitespace=True)
    words = words_of(Path(app.outdir).rglob("*.html"), scripts)
    styles = without_unused_variables(purged(rules, words), scripts)
    (static / STYLE).write_text(with_icons(styles, static), encoding="utf-8")


def setup(app):
    """Connect to Sphinx."""
    app.bundled = {"css": [], "js": []}
    app.connect("html-page-context", note_files, priority=990)
    # After the theme has written its colors of code.
    app.connect("build-finished", write_bundle, priority=600)
