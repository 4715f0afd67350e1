r"""Turn formulas into MathML while the site is built.

Pages then need no script to show mathematics. Pandoc does the conversion, all
formulas of a page in one call. The browser draws them with a subset of STIX Two
Math, whose MATH table lets brackets and roots grow.
"""

import base64
import contextlib
import hashlib
import html
import json
import re
import subprocess
import unicodedata
from importlib.util import find_spec
from pathlib import Path

import pypandoc
from docutils import nodes
from sphinx.locale import _
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

from backprop_book.fonts import cut
from backprop_book.outputs import write_whole

logger = logging.getLogger(__name__)

# Pages of a server load the font as a file. Browsers refuse a font file to pages that
# are opened from a folder; for those it travels inside a style sheet.
FONT_SHEET = """@font-face {{
  font-family: "STIX Two Math Book";
  src: url("data:font/woff2;base64,{}") format("woff2");
}}
"""
# What pandoc would drop without a word: better no page than a wrong formula.
UNSUPPORTED = re.compile(r"\\(color|textcolor|tag|hline|label|ref|eqref)\b")
BOLD = re.compile(r"\\mathbf\s*(?:\{([A-Za-z0-9]+)\}|([A-Za-z0-9]))")
ANSWER = re.compile(r'<math\b.*?</math>|<span class="math.*?</span>', re.DOTALL)
ANNOTATION = re.compile(r'(<annotation encoding="application/x-tex">).*?</annotation>')
# A function's name stands apart from its argument, unless a bracket follows.
NAME = re.compile(
    r"(?<!sub>)(?<!sup>)(?<!under>)(<mrow><mi mathvariant=\"normal\">[a-z]+</mi>"
    r"<mo>&#8289;</mo>)(</mrow>)(?!<mrow><mo|<mo|<mrow><mrow><mo)"
)
# No element has a style of its own, which a page's policy would have to allow; book.css
# aligns columns by the attribute before it.
COLUMN = re.compile(r' style="text-align: \w+(; padding-\w+: 0)?"')
# The font's prime is raised already; raised again it is too small to be seen.
PRIME = re.compile(r"<msup>(<mi>\w</mi>)<mo>′</mo></msup>")
FLAT_PRIME = r'<mrow>\1<mo lspace="0" rspace="0">′</mo></mrow>'

FORMULA = re.compile(r"<math\b.*?</math>", re.DOTALL)

# (TeX, "inline" or "display") -> MathML, for the whole build.
_converted: dict[tuple[str, str], str] = {}


def upright_bold(match):
    r"""Replace \mathbf by upright bold letters; pandoc would slant them."""
    letters = match[1] or match[2]
    return "{" + "".join(map(bold_letter, letters)) + "}"


def bold_letter(letter):
    """Return the mathematical bold form of an ASCII letter or digit."""
    if letter.isdigit():
        return chr(0x1D7CE + int(letter))
    start, first = (0x1D400, "A") if letter.isupper() else (0x1D41A, "a")
    return chr(start + ord(letter) - ord(first))


def ask_pandoc(formulas):
    """Convert (TeX, style) pairs in one call; return one HTML line for each."""
    blocks = []
    for tex, style in formulas:
        kind = {"t": "DisplayMath" if style == "display" else "InlineMath"}
        blocks.append({"t": "Plain", "c": [{"t": "Math", "c": [kind, tex]}]})
    document = {"pandoc-api-version": [1, 23], "meta": {}, "blocks": blocks}
    command = [pypandoc.get_pandoc_path(), "--from=json", "--to=html", "--mathml"]
    answer = subprocess.run(
        [*command, "--wrap=none", "--quiet"],
        input=json.dumps(document),
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    lines = ANSWER.findall(answer.stdout)
    if len(lines) != len(formulas):
        raise RuntimeError(f"pandoc returned {len(lines)} of {len(formulas)} formulas")
    return lines


def convert(formulas, location=None):
    """Make sure that each (TeX, style) pair has its MathML."""
    new = [pair for pair in dict.fromkeys(formulas) if pair not in _converted]
    if not new:
        return
    prepared = [(BOLD.sub(upright_bold, tex), style) for tex, style in new]
    for (tex, style), answer in zip(new, ask_pandoc(prepared), strict=True):
        if not answer.startswith("<math") or UNSUPPORTED.search(tex):
            logger.warning("this formula has no MathML: %s", tex, location=location)
            answer = f"<code>{html.escape(tex)}</code>"
        source = rf"\g<1>{html.escape(tex)}</annotation>".replace("\\", r"\\")
        source = source.replace(r"\\g<1>", r"\g<1>", 1)
        answer = NAME.sub(r'\1<mspace width="0.167em"></mspace>\2', answer)
        answer = PRIME.sub(FLAT_PRIME, answer)
        answer = COLUMN.sub(lambda its: ' class="flush"' if its[1] else "", answer)
        _converted[tex, style] = ANNOTATION.sub(source, answer)


def display_tex(node):
    """Return a displayed formula's TeX with its lines aligned, as Sphinx does."""
    tex = node.astext().strip()
    if node.get("nowrap"):
        return tex.replace(r"\nonumber", "")
    parts = [part.strip() for part in tex.split("\n\n") if part.strip()]
    if len(parts) == 1 and needs_lines(parts[0]):
        return rf"\begin{{aligned}}{parts[0]}\end{{aligned}}"
    if len(parts) > 1:
        return r"\begin{aligned}" + r" \\ ".join(parts) + r"\end{aligned}"
    return parts[0] if parts else ""


def needs_lines(tex):
    r"""Tell whether \\ or & stands outside of any environment."""
    outside, depth = [], 0
    for piece in re.split(r"(\\begin\{|\\end\{)", tex):
        depth += (piece == r"\begin{") - (piece == r"\end{")
        if depth == 0:
            outside.append(piece)
    text = "".join(outside)
    return r"\\" in text or "&" in text.replace(r"\&", "")


def formula_of(node):
    """Return the (TeX, style) pair of a formula's node."""
    if isinstance(node, nodes.math_block):
        return display_tex(node), "display"
    return node.astext().strip(), "inline"


def convert_page(app, doctree, docname):
    """Convert all formulas of a page before it is written."""
    if app.builder.format != "html":
        return
    found = [*doctree.findall(nodes.math), *doctree.findall(nodes.math_block)]
    convert([formula_of(node) for node in found], location=docname)


def mathml(node):
    """Return a node's MathML; titles may come from a page not yet converted."""
    pair = formula_of(node)
    convert([pair], location=node)
    return _converted[pair]


def visit_inline(self, node):
    """Write a formula within a line."""
    self.body.append(self.starttag(node, "span", "", CLASS="math notranslate"))
    self.body.append(mathml(node) + "</span>")
    raise nodes.SkipNode


def visit_display(self, node):
    """Write a displayed formula, with its number and permalink on the right."""
    self.body.append(self.starttag(node, "div", "", CLASS="math notranslate"))
    self.body.append(f'<div class="formula">{mathml(node)}</div>')
    if node["number"]:
        number = get_node_equation_number(self, node)
        self.body.append(f'<span class="eqno">({number})')
        self.add_permalink_ref(node, _("Link to this equation"))
        self.body.append("</span>")
    self.body.append("</div>\n")
    raise nodes.SkipNode


def code_points(formulas):
    """Return the code points that MathML shows; single letters are italic."""
    text = "".join(
        re.sub(r"<annotation.*?</annotation>|<[^>]*>", "", formula)
        for formula in formulas
    )
    points = {ord(character) for character in html.unescape(text)}
    for point in list(points):
        name = unicodedata.name(chr(point), "")
        name = name.replace("LATIN ", "").replace("GREEK ", "").replace(" LETTER", "")
        with contextlib.suppress(KeyError):  # not a letter
            points.add(ord(unicodedata.lookup(f"MATHEMATICAL ITALIC {name}")))
    # ℎ is the italic h, outside of its block; roots are drawn with √ unasked.
    return points | {ord("ℎ"), ord("√")}


def formulas_of_pages(folder):
    """Return the formulas on all pages of a site, also of those not written now."""
    found = set()
    for page in sorted(folder.rglob("*.html")):
        found.update(FORMULA.findall(page.read_text(encoding="utf-8")))
    return found


def store(app):
    """Return the file that keeps formulas, for this state of the conversion."""
    return Path(app.outdir).parent / f".formulas-{app.config.mathematics_state}.json"


def load_formulas(app):
    """Take over the formulas of earlier builds; pages not rewritten have them."""
    if app.builder.format != "html":
        return
    with contextlib.suppress(OSError, ValueError):  # not there, or damaged
        rows = json.loads(store(app).read_text(encoding="utf-8"))
        _converted.update({(tex, style): answer for tex, style, answer in rows})


def save_formulas(app, exception):
    """Keep the formulas and put the font beside the style sheets."""
    if app.builder.format != "html":
        return
    rows = [[*pair, answer] for pair, answer in _converted.items()]
    write_whole(store(app), json.dumps(rows).encode())
    if exception:
        return
    [package] = find_spec("ziamath").submodule_search_locations
    source = Path(package) / "fonts" / "STIXTwoMath-Regular.ttf"
    points = code_points(formulas_of_pages(Path(app.outdir)))
    font = cut(source, points, layout_features=[], hinting=False)
    sheet = FONT_SHEET.format(base64.b64encode(font).decode())
    static = Path(app.outdir, "_static")
    (static / "mathematics.woff2").write_bytes(font)
    (static / "mathematics.css").write_text(sheet, encoding="ascii")


def setup(app):
    """Register the renderer; `html_math_renderer: mathml` chooses it."""
    state = Path(__file__).read_bytes() + pypandoc.__version__.encode()
    state = hashlib.sha256(state).hexdigest()[:8]
    app.add_config_value("mathematics_state", state, "html")  # rewrites all pages
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_display, None))
    app.connect("doctree-resolved", convert_page, priority=900)
    app.connect("builder-inited", load_formulas)
    app.connect("build-finished", save_formulas)
