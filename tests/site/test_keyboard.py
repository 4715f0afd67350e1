"""A tour of pages with the keyboard alone, on paper, and with no script."""

import pytest

PAGES = ["chapters/index.html", "chapters/07-backpropagation-in-matrices.html"]

# What a Tab should reach: what can be used, is seen, and is not folded away.
USABLE = """() => [...document.querySelectorAll(
    "a[href], button, input, summary, [tabindex='0']")]
    .filter((e) => e.checkVisibility({ visibilityProperty: true }) && !e.disabled
                   && e.tabIndex >= 0 && e.getBoundingClientRect().width > 0)
    .map((e, number) => { e.dataset.stop = number; return number; })"""
STOP = """() => {
    const e = document.activeElement, style = getComputedStyle(e);
    return { stop: e.dataset.stop, text: e.outerHTML.slice(0, 100),
        ring: style.outlineStyle !== "none" && style.outlineWidth !== "0px"
              || style.boxShadow !== "none" };
}"""


@pytest.fixture
def page(browser):
    """Open a tab; close it, whatever happens."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    yield page
    page.close()


@pytest.mark.parametrize("page_name", PAGES)
def test_tab_reaches_everything_and_shows_where_it_is(page, address, page_name):
    page.goto(address + page_name, wait_until="networkidle")
    usable = set(page.evaluate(USABLE))
    assert len(usable) > 50
    reached, unseen = set(), []
    for _ in range(len(usable) + 20):
        page.keyboard.press("Tab")
        stop = page.evaluate(STOP)
        if stop["stop"] is not None:
            reached.add(int(stop["stop"]))
            if not stop["ring"]:
                unseen.append(stop["text"])
    missed = [
        page.evaluate(f"document.querySelector('[data-stop=\"{n}\"]').outerHTML")[:100]
        for n in sorted(usable - reached)
    ]
    assert not missed
    assert not unseen


def test_search_opens_and_finds_with_the_keyboard(page, address):
    page.goto(address + PAGES[0], wait_until="networkidle")
    page.keyboard.press("Control+k")
    page.keyboard.type("vanishing gradient")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=vanishing*")
    page.wait_for_selector("#search-results li a")


WORDS = """learning rate, softmax, cross-entropy, dropout, momentum, convolution,
gradient check, overfitting, vanishing gradient, transpose"""


@pytest.mark.parametrize("words", WORDS.replace("\n", " ").split(", "))
def test_search_finds_what_a_reader_would_try(page, address, words):
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{address}search.html?q={words.replace(' ', '+')}")
    page.wait_for_selector("#search-results li a")
    page.wait_for_function(
        "/(finished|found)/.test(document.querySelector('#search-results').innerText)"
    )
    page.wait_for_load_state("networkidle")
    found = page.locator("#search-results li a").all_inner_texts()
    assert len(found) >= 2
    assert not errors


def test_paper_gets_the_text_alone(page, address):
    page.set_viewport_size({"width": 800, "height": 1000})
    page.goto(address + PAGES[1], wait_until="networkidle")
    page.emulate_media(media="print")
    for left_out in ("#pst-primary-sidebar", "#pst-secondary-sidebar", ".this-page ul"):
        assert not page.locator(left_out).first.is_visible(), left_out
    assert page.locator("article p").first.is_visible()
    folded = page.locator("details:not([open]) > :not(summary)").first
    assert folded.evaluate("e => e.checkVisibility()") is False


def test_a_page_needs_no_script(browser, address):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address + PAGES[1])
    assert page.locator("math").first.is_visible()
    assert page.locator("figure img").first.is_visible()
    page.locator("article details > summary").first.click()
    assert page.locator("details[open]").count() == 1
    context.close()
