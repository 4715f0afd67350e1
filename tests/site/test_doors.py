"""What lies beside each page: notebook, figures, card, citation, lists of pages."""

import json
import re
import struct
from urllib.parse import urljoin, urlsplit
from xml.etree import ElementTree

import nbformat
import pytest
from the_book import documents, settings

HOME = settings()["html"]["baseurl"]


@pytest.fixture(params=documents())
def page(request, site):
    """Each page of the book."""
    return next(page for page in site.pages if page.name == f"{request.param}.html")


def tag(page, name: str) -> str:
    """Return what a page says of itself to other sites."""
    return page.soup.find("meta", property=name)["content"]


def published(site, address: str):
    """Return the file that an address of the published site names."""
    assert address.startswith(HOME)
    return site.root / address.removeprefix(HOME)


def test_a_page_says_what_it_is(site, page):
    own = urljoin(HOME, page.name)
    assert tag(page, "og:url") == own
    assert page.soup.find("link", rel="canonical")["href"] == own
    assert tag(page, "og:title") in page.soup.h1.get_text()
    described = page.soup.find("meta", attrs={"name": "description"})["content"]
    assert tag(page, "og:description") == described
    assert len(tag(page, "og:image:alt")) > 10
    facts = json.loads(page.soup.find("script", type="application/ld+json").string)
    assert facts["@context"] == "https://schema.org"
    assert facts["description"] == described


def test_a_card_has_the_size_that_other_sites_want(site, page):
    head = published(site, tag(page, "og:image")).read_bytes()[:24]
    assert head[1:4] == b"PNG"
    assert struct.unpack(">II", head[16:]) == (1200, 630)


def test_a_page_can_be_cited(page):
    cited = page.soup.select_one(".this-page pre").get_text()
    assert urljoin(HOME, page.name) in cited
    assert cited.count("{") == cited.count("}")


def test_a_page_with_cells_is_offered_as_a_notebook(site, page):
    links = [str(link["href"]) for link in page.soup.select(".this-page a")]
    named = [link for link in links if link.endswith(".ipynb")]
    if not page.soup.select("main div.cell"):
        assert not named
        return
    colab, own = sorted(named, reverse=True, key=lambda link: "colab" in link)
    name = own.rpartition("/")[2]
    assert colab.endswith(f"/blob/notebooks/{name}")
    notebook = nbformat.read(site.root / "notebooks" / name, as_version=4)
    nbformat.validate(notebook)
    assert any("mybinder.org" in link for link in links)
    prose = "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")
    assert not re.search(r":::|```\{|\{glue|@@|<a |\]\((?!https?:|attachment:)", prose)
    shown = page.soup.select("main div.cell .cell_input pre")
    code = [c.source.strip() for c in notebook.cells if c.cell_type == "code"]
    assert {cell.get_text().strip() for cell in shown} <= set(code)


def test_a_figure_can_be_taken_away(site, page):
    for figure in page.soup.select("main figure[id^=fig-]"):
        svg, pdf = (
            (site.root / page.name).parent.joinpath(str(link["href"])).resolve()
            for link in figure.select(".files a")
        )
        text = svg.read_text(encoding="utf-8")
        assert "MIT License" in text
        assert f"#{figure['id']}" in text
        ElementTree.fromstring(text)
        assert pdf.read_bytes().startswith(b"%PDF")


def test_robots_find_every_page(site):
    assert f"Sitemap: {HOME}sitemap.xml" in (site.root / "robots.txt").read_text()
    tree = ElementTree.parse(site.root / "sitemap.xml")
    found = [place.text for place in tree.iter() if place.tag.endswith("}loc")]
    assert found == [urljoin(HOME, f"{document}.html") for document in documents()]


def test_who_is_lost_finds_every_page(site):
    lost = next(page for page in site.pages if page.name == "404.html")
    links = [str(link["href"]) for link in lost.soup.select("main a")]
    assert {urljoin(HOME, f"{document}.html") for document in documents()} < set(links)
    for link in links:  # from whatever depth: GitHub shows this page at any address
        assert published(site, urlsplit(link)._replace(fragment="").geturl()).is_file()
