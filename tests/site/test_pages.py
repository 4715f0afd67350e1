"""The built pages, read as files: links, images, third parties, TeX, size."""

from random import Random

import pytest
from page_checks import CHECKS, Site
from the_book import documents


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_site(site, check):
    faults = check(site)
    if faults:
        pytest.fail("\n" + "\n".join(faults), pytrace=False)


def test_every_document_has_its_page(site):
    names = {page.name for page in site.pages}
    assert {f"{document}.html" for document in documents()} <= names


HEAD = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src
 'self'; style-src 'self'{style}"><title>{name}</title>
<meta name="description" content="The page {name}.">
<link rel="canonical" href="https://example.org/{name}.html"></head><body>
"""
ONE = """<h1 id="top">One</h1><a href="two.html#there">two</a> <a href="#top">up</a>
<a href="https://example.org/">elsewhere</a> <a href="mailto:a@example.org">mail</a>
<img src="a%20b.svg" alt="Two boxes."><a href="#top"><img src="a%20b.svg" alt="">1</a>
<p>It costs $5, or $6 a month.</p>
<code>\\frac{1}{2}</code>
<math><mi>x</mi><annotation encoding="application/x-tex">\\frac</annotation></math>
"""
TWO = '<h1 id="there">Two</h1><style>p { background: url("a%20b.svg") }</style>'
STYLE = " 'sha256-Rak9N7qaEB7CpwM8/yjkz0FyX9ziPAl1E1Nzf1z7FgA='"

# Each check: what is put in a good page's place of what, and what it then says.
BAD = {
    "dead_links": [
        (
            "two.html#there",
            "three.html",
            "one.html:6: dead link: three.html (no such f",
        ),
        ("two.html#there", "two.html#here", "two.html#here (no such place in two.html"),
        ('"#top"', '"#bottom"', "dead link: #bottom"),
    ],
    "broken_images": [
        ("a%20b.svg", "c.svg", "no such image: c.svg"),
        (' alt="Two boxes."', "", "no alt text: a%20b.svg"),
        ("Two boxes.", "", "no alt text: a%20b.svg"),
        ("1</a>", "</a>", "no alt text: a%20b.svg"),
        ("Two boxes.", "a/b.svg", "alt text is no text: a/b.svg"),
        ("Two boxes.", "<Figure size 640x480>", "alt text is no text"),
    ],
    "third_parties": [
        ("<math>", '<script src="https://cdn.example.org/x.js"></script>', "<script>"),
        ("<math>", '<script src="//cdn.example.org/x.js"></script>', "<script> loads"),
        ("<math>", "<script>import('https://a.org/x')</script>", "<script> loads http"),
        (
            "<math>",
            '<link rel="stylesheet" href="https://a.org/x.css">',
            "<link> loads",
        ),
        ("<math>", '<link rel="preconnect" href="https://fonts.org">', "<link> loads"),
        ("a%20b.svg", "https://a.org/x.svg", "<img> loads https://a.org/x.svg"),
        ("<math>", '<img srcset="a.png 1x, //a.org/b.png 2x">', "<img> loads //a.org"),
        ("<math>", '<iframe src="https://a.org/"></iframe>', "<iframe> loads"),
        ("<math>", "<style>@import 'https://a.org/x.css';</style>", "<style> loads"),
        ("<math>", '<p style="background: url(//a.org/x)">', "<p> loads //a.org/x"),
    ],
    "titles_and_descriptions": [
        ("<title>one</title>", "", "one.html: no title"),
        ('content="The page one."', 'content=""', "one.html: no description"),
        ("<title>one", "<title>two", "two.html: the title of one.html again"),
        ("The page one.", "The page two.", "the description of one.html again"),
        (' lang="en"', "", "without lang"),
    ],
    "raw_tex": [
        ("It costs", "So \\frac{1}{2} is", "one.html:9: TeX is left: '\\\\frac'"),
        ("It costs", "So $$", "TeX is left: '$$'"),
        ("It costs", "So \\(x\\)", "TeX is left: '\\\\('"),
        ("It costs $5", "So $x_1$ costs 5", "TeX is left: '$x_1$'"),
        ("<title>one", "<title>one \\alpha", "TeX is left: '\\\\alpha'"),
    ],
    "heavy_pages": [("It costs", "It costs" * 40_000, "the limit is 250,000")],
    "heavy_loads": [
        ("<math>", "<script src='large.js'></script><math>", "loads 3 files of 300,"),
        (
            "<math>",
            "".join(f"<script src='{n}.js'></script>" for n in range(14)) + "<math>",
            "loads 16 files of",
        ),
    ],
    "names_given_twice": [("<math>", '<math id="top">', "the name top once more")],
    "build_leftovers": [
        ("<math>", '<div class="system-message">No</div>', "left an error: No"),
        ("<math>", '<div class="output traceback">E</div>', "a cell failed: E"),
    ],
    "unprotected": [
        ('charset="utf-8"', 'name="robots"', "no policy right after its encoding"),
        ('http-equiv="Con', 'name="Con', "one.html: no policy right after its enc"),
        ("default-src 'none'", "default-src 'self'", "does not begin with nothing"),
        ("script-src", "script-src 'unsafe-inline'", "script-src has 'unsafe-inline'"),
        ("style-src", "style-src *", "one.html: style-src has *"),
        ("<math>", "<script>more()</script>", "script-src is not what the page holds"),
        ("script-src", "script-src 'sha256-x='", "script-src is not what the page"),
        ("<math>", "<style>p { margin: 0 }</style>", "style-src is not what the page"),
    ],
    "stopped": [
        ("<math>", '<math onclick="go()">', "no policy allows onclick='go()'"),
        ("<math>", '<math style="color: red">', "no policy allows style='color: red'"),
        ("mailto:a@example.org", "javascript:go()", "no policy allows javascript:go()"),
        ('<a href="https', '<a target="_blank" href="https', "without noopener"),
    ],
}


def made_up(folder, old="", new="") -> Site:
    """Write a site of two pages, with something put in another one's place."""
    good = HEAD.format(name="one", style="") + ONE
    assert old in good
    (folder / "one.html").write_text(good.replace(old, new, 1), encoding="utf-8")
    two = HEAD.format(name="two", style=STYLE) + TWO
    (folder / "two.html").write_text(two, encoding="utf-8")
    (folder / "a b.svg").write_text("<svg/>", encoding="utf-8")
    (folder / "large.js").write_bytes(Random(0).randbytes(300_000))
    for number in range(14):
        (folder / f"{number}.js").touch()
    return Site(folder)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_good_site_passes(check, tmp_path):
    assert check(made_up(tmp_path)) == []


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_each_fault_is_caught(check, tmp_path):
    for old, new, message in BAD[check.__name__]:
        faults = check(made_up(tmp_path, old, new))
        assert any(message in fault for fault in faults), (old, new, faults)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.css", "@import 'https://a.org/x.css';"),
        ("x.css", "@font-face { src: url(https://a.org/x.woff2) }"),
        (
            "x.svg",
            '<?xml version="1.0"?><svg><image href="https://a.org/x.png"/></svg>',
        ),
        ("x.svg", "<svg><style>@import url(https://a.org/x.css);</style></svg>"),
        ("x.js", "import x from 'https://a.org/x.js'"),
    ],
)
def test_third_parties_of_loaded_files_are_caught(name, text, tmp_path):
    site = made_up(tmp_path)
    (tmp_path / name).write_text(text, encoding="utf-8")
    third_parties = next(c for c in CHECKS if c.__name__ == "third_parties")
    assert any("loads https://a.org/x" in fault for fault in third_parties(site))
