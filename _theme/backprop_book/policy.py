"""Tell the browser in each page what the page may load and run: nothing but its own.

A Content-Security-Policy in the page itself, because GitHub Pages sends none. What a
page holds of scripts and styles is allowed by its hash, so what somebody slips in later
does not run. It says also that other sites are not told where a reader came from. What
no page can forbid is that another site shows it in a frame (`frame-ancestors` counts in
a header only); there is nothing to steal here by a click.
"""

import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

from sphinx.errors import ExtensionError

# For a page that was opened from a folder, 'self' is nobody by the standard.
OWN = "'self' file:"
# What a page may use beside what stands in it. No other kind, no other place.
ALLOWED = {
    "default-src": "'none'",
    "script-src": OWN,
    "style-src": OWN,
    "img-src": f"{OWN} data:",  # the theme's signs are in its style sheet
    "font-src": f"{OWN} data:",  # icons, and for pages in a folder the mathematics
    "connect-src": "'self'",  # the search reads the pages that it found
    "base-uri": "'none'",
    "form-action": OWN,  # the search
}
SCRIPT = re.compile(r"<script\b(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL)
STYLE = re.compile(r"<style\b[^>]*>(.*?)</style>", re.DOTALL)
DATA = '<script type="application/ld+json">'  # is read, never run
START = re.compile(r'<meta charset="utf-8" ?/?>')
TAGS = """
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="referrer" content="no-referrer">"""
EARLIER = re.compile(re.escape(TAGS).replace(r"\{policy\}", '[^"]*'))


def hashes(texts):
    """Return the sources that allow these texts, each once."""
    digests = (sha256(text.encode()).digest() for text in texts)
    return dict.fromkeys(f"'sha256-{b64encode(each).decode()}'" for each in digests)


def policy_of(page):
    """Return the policy under which a page does all that it does, and no more."""
    found = SCRIPT.finditer(page)
    scripts = [script[1] for script in found if not script[0].startswith(DATA)]
    held = {"script-src": hashes(scripts), "style-src": hashes(STYLE.findall(page))}
    return "; ".join(
        " ".join([kind, sources, *held.get(kind, [])])
        for kind, sources in ALLOWED.items()
    )


def protected(page):
    """Return a page with its policy before all that it is about.

    The place is the first there is, after the encoding: a policy counts from there on.
    """
    page = EARLIER.sub("", page)
    return START.sub(
        lambda start: start[0] + TAGS.format(policy=policy_of(page)), page, 1
    )


def protect(app, exception):
    """Write the policy into each page of the site, whoever wrote that page."""
    if exception or app.builder.name != "html":
        return
    for template in Path(app.outdir, "_static").glob("*.html"):
        template.unlink()  # the theme lays its own there; they are no pages
    for file in sorted(Path(app.outdir).rglob("*.html")):
        old = file.read_text(encoding="utf-8")
        if not START.search(old):
            raise ExtensionError(f"{file}: no encoding is named, so no policy")
        new = protected(old)
        if new != old:
            file.write_text(new, encoding="utf-8")


def setup(app):
    """Connect to Sphinx, after all who write pages."""
    app.connect("build-finished", protect, priority=900)
