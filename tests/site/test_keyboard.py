"""A tour of pages with the keyboard alone, on paper, and with no script."""

import pytest

PAGES = ["chapters/index.html", "chapters/07-backpropagation-in-matrices.html"]

# What a Tab should reach: what can be used, is seen, and is not folded away.
USABLE = """() => [...document.querySelectorAll(
    "a[href], button, input, summary, [tabindex='0']")]
    .filter((e) => e.checkVisibility({ visibilityProperty: true }) && !e.disabled
                   && e.tabIndex >= 0 && e.getBoundingClientRect().width > 0)
    .map((e, number) => { e.dataset.stop = number; return number; })"""
# A ring around an element is cut off by a box around both that hides what sticks out.
STOP = """() => {
    const e = document.activeElement, style = getComputedStyle(e);
    const own = e.getBoundingClientRect(), out = parseFloat(style.outlineOffset);
    let cut = false;
    for (let box = e.parentElement; box; box = box.parentElement) {
        if (getComputedStyle(box).overflow === "visible") continue;
        const edge = box.getBoundingClientRect();
        cut ||= own.left - out <= edge.left && own.right + out >= edge.right
                && own.top - out <= edge.top;
    }
    const outlined = style.outlineStyle !== "none" && style.outlineWidth !== "0px";
    return { stop: e.dataset.stop, text: e.outerHTML.slice(0, 100),
        ring: outlined && (out < 0 || !cut) || style.boxShadow !== "none" };
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


# What a reader would try, and the page that explains it.
WORDS = {
    "learning rate": "Gradient descent",
    "softmax": "Forward propagation",
    "cross-entropy": "Measuring mistakes",
    "dropout": "Remedies",
    "momentum": "Gradient descent",
    "convolution": "Other architectures",
    "gradient check": "Backpropagation in matrices",
    "overfitting": "Overfitting",
    "vanishing gradient": "Building the network",
    "transpose": "Backpropagation in matrices",
}


@pytest.mark.parametrize(("words", "title"), WORDS.items(), ids=WORDS)
def test_search_finds_what_a_reader_would_try(page, address, words, title):
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{address}search.html?q={words.replace(' ', '+')}")
    page.wait_for_selector("#search-results li a")
    page.locator("#search-results .search-summary", has_text="found").wait_for()
    page.wait_for_load_state("networkidle")
    found = page.locator("#search-results li a").all_inner_texts()
    assert len(found) >= 2
    assert any(title in each for each in found[:4]), found[:8]
    assert not errors


def test_who_copies_with_the_keyboard_goes_on_from_there(page, address):
    page.goto(address + PAGES[1], wait_until="networkidle")
    button = page.locator("button.copybtn").nth(1)
    button.focus()
    page.keyboard.press("Enter")
    page.locator("[role=status]", has_text="Copied").wait_for(state="attached")
    page.wait_for_timeout(100)
    assert button.evaluate("e => e === document.activeElement")


def test_going_back_leads_to_where_one_was(page, address):
    page.goto(address + PAGES[1], wait_until="networkidle")
    section = page.locator("article section section").nth(5)
    section.evaluate("e => e.scrollIntoView()")
    page.goto(address + PAGES[0], wait_until="networkidle")
    page.go_back(wait_until="networkidle")
    top = section.evaluate("e => e.getBoundingClientRect().top")
    assert abs(top) < 200


def test_paper_gets_the_text_alone(page, address):
    page.set_viewport_size({"width": 800, "height": 1000})
    page.goto(address + PAGES[1], wait_until="networkidle")
    page.emulate_media(media="print")
    for left_out in ("#pst-primary-sidebar", "#pst-secondary-sidebar", ".this-page ul"):
        assert not page.locator(left_out).first.is_visible(), left_out
    assert page.locator("article p").first.is_visible()
    folded = page.locator("details:not([open]) > :not(summary)").first
    assert folded.evaluate("e => e.checkVisibility()") is False
    cut = page.evaluate(
        "[...document.querySelectorAll('article pre')].filter("
        "e => e.checkVisibility() && e.scrollWidth > e.clientWidth + 1).length"
    )
    assert cut == 0


def test_paper_is_white_also_at_night(page, address):
    page.emulate_media(color_scheme="dark")
    page.goto(address + PAGES[1], wait_until="networkidle")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_a_page_needs_no_script(browser, address):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address + PAGES[1])
    assert page.locator("math").first.is_visible()
    assert page.locator("figure img").first.is_visible()
    page.locator("article details > summary").first.click()
    assert page.locator("details[open]").count() == 1
    context.close()
