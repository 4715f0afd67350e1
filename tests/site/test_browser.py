"""A real Chromium opens every page, in light and in dark, and from the folder."""

from functools import cache

import pytest
from the_book import documents
from visit import Visit, glance, visit, visit_at_night

PAGES = [f"{document}.html" for document in documents()] + ["search.html"]
SCHEMES = {"light": visit, "dark": visit_at_night}


@pytest.fixture(scope="session")
def visits(site, browser, address):
    """Return a function that opens a page in a scheme, each at most once."""

    @cache
    def open_page(page: str, scheme: str) -> Visit:
        return SCHEMES[scheme](browser, address + page)

    return open_page


@pytest.fixture(params=SCHEMES)
def scheme(request) -> str:
    return request.param


@pytest.fixture(params=PAGES)
def seen(request, scheme, visits) -> Visit:
    return visits(request.param, scheme)


@pytest.fixture(params=PAGES)
def by_day(request, visits) -> Visit:
    """What is the same in all colors is looked at once."""
    return visits(request.param, "light")


def report(faults: list[str]) -> None:
    """Fail with one fault a line."""
    if faults:
        pytest.fail("\n" + "\n".join(sorted(set(faults))), pytrace=False)


def test_no_error_in_the_console(seen):
    report(seen.errors)


def test_nobody_else_is_asked(seen):
    report(seen.strangers)


def test_mathematics_is_rendered(seen):
    report(seen.flat + seen.tex)


def test_nothing_scrolls_sideways(by_day):
    report(by_day.sideways)


def test_folded_parts_open_with_the_keyboard(by_day):
    report(by_day.closed)


def test_pictures_are_seen(seen):
    report(seen.unseen)


def test_nobody_is_kept_out(by_day):
    report(by_day.barriers)


def test_words_stand_out_from_their_ground(seen, scheme):
    report(seen.pale)
    assert seen.ground < 0.2 if scheme == "dark" else seen.ground > 0.8


@pytest.mark.parametrize("page", PAGES)
def test_formulas_and_folds_of_the_file_reach_the_screen(site, visits, page):
    """Guards the tests above: what they look at is there to be looked at."""
    soup = next(p.soup for p in site.pages if p.name == page)
    seen = visits(page, "light")
    assert seen.formulas >= len(soup.select("main math"))
    assert seen.folded >= len(soup.select("main details:not([open])"))


@pytest.mark.parametrize("page", [*PAGES, "index.html"])
def test_pages_work_from_the_folder(site, browser, page):
    seen = glance(browser, (site.root / page).as_uri())
    report(seen.errors + seen.strangers + seen.unseen + seen.flat)


# The made-up pages on which each of the tests above has to fail.

GOOD = """<!DOCTYPE html><html lang="en"><head><title>Made up</title>
<link rel="icon" href="data:,"><meta name="viewport" content="width=device-width">
<style>:root { color-scheme: light dark }
@media (prefers-color-scheme: dark) { body { background: #111; color: #eee } }
@media (prefers-color-scheme: light) { body { background: #fff; color: #111 } }
</style></head><body><main><h1>Made up</h1>
<p>Text. <math><mfrac><mi>a</mi><mi>b</mi></mfrac></math> <code>\\frac</code></p>
<details><summary>Answer</summary><p>Yes. <math><mi>x</mi></math></p></details>
<img src="box.svg" alt="A box." loading="lazy">
<article></article></main></body></html>"""
BOX = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect/></svg>'

BAD = [
    ("errors", "<article>", "<script>missing()</script>", "uncaught: missing is not"),
    ("errors", "<article>", "<script>console.error('No.')</script>", "error: No."),
    ("errors", "<article>", "<script src='x.js'></script>", "404: http://127.0.0.1"),
    (
        "strangers",
        "<article>",
        "<script src='http://localhost:9/x.js'></script>",
        "http://localhost:9/x.js",
    ),
    ("flat", "<mi>x</mi>", "", "math"),
    ("flat", "<mi>x</mi>", "<merror>x</merror>", "merror"),
    ("tex", "Text.", "So \\frac{a}{b}.", "frac{a}{b}"),
    ("tex", "Yes.", "So $$x$$.", "So $$x$$"),
    (
        "sideways",
        "<article>",
        "<div style='width: 400px'>w</div>",
        "408 px wide in 360 px",
    ),
    ("closed", "<article>", "<article><p class='dropdown'>x</p>", "not a <details>"),
    (
        "closed",
        "<article>",
        "<details><summary onkeydown='return false'>No</summary></details>",
        "Enter does not open 'No'",
    ),
    ("unseen", "box.svg", "data:image/svg+xml,broken", "data:image/svg+xml,broken"),
    ("pale", "<p>Yes.", "<p style='color: #777; background: #666'>Yes.", "1.28:1 p"),
    ("pale", "<p>Yes.", "<p style='color: rgb(128 128 128 / 50%)'>Yes.", "Yes."),
    ("barriers", "<h1>", "<h1 role='nothing'>", "aria-roles: <h1"),
    ("barriers", "<p>Text.", "<p><a href='x.html'></a>", "link-name: <a href"),
    ("pale", "<h1>", "<h1 style='color: #555; background: #333'>", "h1 "),
]


def made_up(folder, old="", new="") -> None:
    """Write a good page with something put in another one's place."""
    assert old in GOOD
    page = GOOD.replace(old, new, 1)
    (folder / "page.html").write_text(page, encoding="utf-8")
    (folder / "box.svg").write_text(BOX, encoding="utf-8")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_good_page_passes(browser, serve, tmp_path, scheme):
    made_up(tmp_path)
    with serve(tmp_path) as address:
        seen = SCHEMES[scheme](browser, address + "page.html")
    assert seen == Visit(formulas=2, folded=1, ground=seen.ground)
    assert (seen.ground < 0.2) == (scheme == "dark")


@pytest.mark.parametrize(("where", "old", "new", "message"), BAD)
def test_each_fault_is_caught(browser, serve, tmp_path, where, old, new, message):
    made_up(tmp_path, old, new)
    with serve(tmp_path) as address:
        seen = visit(browser, address + "page.html")
    faults = getattr(seen, where)
    assert any(message in fault for fault in faults), faults


def test_what_is_pale_at_night_only_is_caught_then(browser, serve, tmp_path):
    """Also where it was folded away."""
    made_up(tmp_path, "<p>Yes.", "<p style='color: light-dark(#111, #222)'>Yes.")
    with serve(tmp_path) as address:
        by_day, at_night = (
            look(browser, address + "page.html") for look in SCHEMES.values()
        )
    assert not by_day.pale
    assert [fault for fault in at_night.pale if "Yes." in fault]
