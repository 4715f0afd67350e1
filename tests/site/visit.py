"""Opens a page in a browser as a reader would and writes down what happens."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

MEASURE = Path(__file__).with_name("measure.js").read_text(encoding="utf-8")
SIDEWAYS = Path(__file__).with_name("sideways.js").read_text(encoding="utf-8")
WIDTHS = (360, 640, 768, 1280)  # 640 is what 1280 is at a zoom of 200 %
# Pages lay out what is near; what is measured here is all of them.
LAID_OUT = "* { content-visibility: visible !important; }"
# A sheet that the page's own policy has nothing against, as a style element is.
STYLED = """(rules) => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(rules);
    document.adoptedStyleSheets.push(sheet);
}"""
AXE = {
    "runOnly": [
        *("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"),
        "best-practice",
    ],
    "rules": {"color-contrast": {"enabled": False}},  # measure.js does it, faster
    "resultTypes": ["violations"],  # else it describes all that is right, for seconds
}
# What a page does by itself it has done when its fonts are there, two frames are drawn
# (sizes are noted in one, and change the next) and it is idle. By the network it would
# count as idle after half a second of silence, on each page.
SETTLED = """async () => {
    await document.fonts.ready;
    for (let i = 0; i < 2; i++) await new Promise(requestAnimationFrame);
    await new Promise((done) => requestIdleCallback(done));
}"""
STAYS = "!document.querySelector('meta[http-equiv=refresh]')"  # leads nowhere else
UNFOLD = """() => {
    const folded = document.querySelectorAll("details:not([open])");
    for (const details of folded) details.open = true;
    return folded.length;
}"""
LEAST_CONTRAST = 4.5


@dataclass
class Visit:
    """What a page did and showed; every list is of faults and should be empty."""

    errors: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    sideways: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    pale: list[str] = field(default_factory=list)
    flat: list[str] = field(default_factory=list)
    tex: list[str] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)
    barriers: list[str] = field(default_factory=list)
    formulas: int = 0
    folded: int = 0
    ground: float = 0.0


def visit(browser: Browser, address: str) -> Visit:
    """Open a page, unfold what is folded, and measure it at each width."""
    seen = Visit()
    with opened(browser, address, seen) as page:
        find_barriers(page, seen)
        unfold_with_keyboard(page, seen)
        measure(page, seen)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            seen.sideways += page.evaluate(SIDEWAYS)
    return seen


def visit_at_night(browser: Browser, address: str) -> Visit:
    """Open a page in dark colors; its markup, keys and widths are those of the day."""
    seen = Visit()
    with opened(browser, address, seen, "dark") as page:
        seen.folded = page.evaluate(UNFOLD)
        measure(page, seen)
    return seen


def glance(browser: Browser, address: str) -> Visit:
    """Open a page and measure it as it comes."""
    seen = Visit()
    with opened(browser, address, seen) as page:
        measure(page, seen)
    return seen


@contextmanager
def opened(
    browser: Browser, address: str, seen: Visit, scheme: str = "light"
) -> Iterator[Page]:
    """Open a page in a window of its own, and write down what it does."""
    window = {"width": WIDTHS[-1], "height": 900}
    context = browser.new_context(color_scheme=scheme, viewport=window)
    page = context.new_page()
    listen(page, address, seen)
    page.goto(address)
    page.wait_for_function(STAYS)
    page.evaluate(STYLED, LAID_OUT)
    page.evaluate(SETTLED)
    yield page
    context.close()


def measure(page: Page, seen: Visit) -> None:
    """Write down what a page shows once its pictures are there."""
    load_pictures(page)
    for name, value in page.evaluate(MEASURE).items():
        setattr(seen, name, value)


def listen(page: Page, address: str, seen: Visit) -> None:
    """Write down errors, and requests to anybody but the page's own host."""
    own = urlsplit(address)[:2]

    def on_console(message) -> None:
        if message.type in ("error", "warning"):
            seen.errors.append(f"{message.type}: {message.text}")

    def on_request(request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "blob") and parts[:2] != own:
            seen.strangers.append(request.url)

    def on_response(response) -> None:
        if response.status >= 400:
            seen.errors.append(f"{response.status}: {response.url}")

    page.on("console", on_console)
    page.on("pageerror", lambda error: seen.errors.append(f"uncaught: {error}"))
    page.on("request", on_request)
    page.on("response", on_response)


def find_barriers(page: Page, seen: Visit) -> None:
    """Ask axe what keeps whom from using the page."""
    for violation in Axe().run(page, options=AXE).response["violations"]:
        for node in violation["nodes"]:
            seen.barriers.append(f"{violation['id']}: {node['html'][:120]}")


def unfold_with_keyboard(page: Page, seen: Visit) -> None:
    """Open each thing that is folded by focusing it and pressing Enter."""
    for summary in page.locator("details:not([open]) > summary").element_handles():
        if not summary.is_visible():
            continue
        seen.folded += 1
        summary.focus()
        page.keyboard.press("Enter")
        if not summary.evaluate("summary => summary.parentElement.open"):
            text = summary.inner_text()
            seen.closed.append(f"Enter does not open '{text}'")
    for menu in page.locator("[data-bs-toggle=dropdown]").all():
        if menu.is_visible():
            menu.focus()
            page.keyboard.press("Enter")
            if menu.get_attribute("aria-expanded") != "true":
                seen.closed.append(f"Enter does not open {menu.inner_text()!r}")
            page.keyboard.press("Escape")
    for other in page.locator("article .dropdown:not(details)").all():
        seen.closed.append(f"not a <details>: {other.inner_text()[:60]!r}")


def load_pictures(page: Page) -> None:
    """Let pictures that wait until they are scrolled to come in."""
    page.evaluate(
        """async () => {
            for (const image of document.images) image.loading = "eager";
            const shown = [...document.images].filter((i) => i.checkVisibility());
            await Promise.allSettled(shown.map((image) => image.decode()));
        }"""
    )
