"""What authors write is escaped for each place where the book prints it."""

import json
import sys
import warnings
from html import escape
from types import SimpleNamespace
from xml.etree import ElementTree

import pypandoc
import pytest
from bs4 import BeautifulSoup
from docutils import nodes
from docutils.utils import new_document
from the_book import ROOT

sys.path.insert(0, str(ROOT / "_theme"))
with warnings.catch_warnings():  # MyST-NB's own
    warnings.simplefilter("ignore", DeprecationWarning)
    from backprop_book import doors, figures, guide, notebooks, pages, sharing
    from backprop_book.pagination import escaped

TITLE = "Größe </script><i a='b'>\"#{x}\" & \\_%~^$ ]] `*"
DRAWING = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><g/></svg>'
HOME = "https://example.org/?a=1&b="


@pytest.fixture
def app(tmp_path):
    """Return as much of Sphinx as the functions below ask for, with hostile titles."""
    title = SimpleNamespace(astext=lambda: TITLE)
    return SimpleNamespace(
        config=SimpleNamespace(
            project=TITLE,
            author=TITLE,
            book_subtitle=TITLE,
            book_guide="guide.tex",
            copyright="2026",
            language="en",
            root_doc="index",
            html_baseurl=HOME,
            html_theme_options={
                "repository_url": "https://github.com/backpropagation-tutorial/backpropagation-tutorial",
                "repository_branch": "main",
            },
            latex_elements={},
        ),
        outdir=tmp_path,
        srcdir=tmp_path,
        builder=SimpleNamespace(
            name="html", get_target_uri=lambda document: f"{document}.html"
        ),
        env=SimpleNamespace(
            titles={"index": title, "page": title},
            metadata={"page": {}},
            toctree_includes={"index": ["page"]},
            doc2path=lambda document, base: f"{document}.md",
        ),
    )


def tags_of(app, description):
    """Return the marks in a page's head, parsed."""
    metatags = f'<meta content="{escape(description)}" name="description" />'
    context = {"metatags": metatags, "title": escape(TITLE), "pageurl": HOME}
    sharing.add_tags(app, "page", "", context, object())
    return BeautifulSoup(context["metatags"], "html.parser")


def test_a_title_is_what_one_sees_of_it():
    assert sharing.plain(f"<code>{escape(TITLE)}</code>") == TITLE
    formula = "<math><mi>a</mi><annotation encoding='x'>a</annotation></math>"
    assert sharing.plain(f"The {formula} of it") == "The a of it"


def test_other_sites_read_titles_without_markup(app):
    soup = tags_of(app, TITLE)
    said = {tag.get("property"): tag["content"] for tag in soup.find_all("meta")}
    assert said["og:title"] == said["og:site_name"] == said["og:description"] == TITLE
    assert said["og:url"] == HOME
    assert [tag.name for tag in soup.find_all(True) if tag.name != "meta"] == ["script"]
    facts = json.loads(soup.script.string)
    assert facts["name"] == facts["description"] == facts["author"]["name"] == TITLE


def test_a_page_without_description_is_told_so_in_one_sentence(app, caplog):
    assert [tag["content"] for tag in tags_of(app, "").find_all("meta")] == [""]
    pages.require_description(app, "page", "", {"metatags": ""}, object())
    (said,) = caplog.messages
    assert "this page has no description" in said


def test_a_page_of_sphinx_is_described_by_its_title(app):
    context = {"title": escape(TITLE)}
    pages.require_description(app, "genindex", "", context, None)
    (tag,) = BeautifulSoup(context["metatags"], "html.parser").find_all(True)
    assert tag["content"] == f"{TITLE}: {TITLE}"


def test_a_card_shows_the_title_as_it_is_typed(app, tmp_path, monkeypatch):
    shown = []
    compile_it = sharing.typst.compile
    monkeypatch.setattr(
        sharing.typst,
        "compile",
        lambda page, **told: (
            shown.append(told["sys_inputs"]) or compile_it(page, **told)
        ),
    )
    picture = tmp_path / 'a "#b".svg'
    picture.write_text(DRAWING)
    for file, drawn in (("one.png", picture), ("two.png", None)):
        sharing.draw_card(app, tmp_path / file, TITLE, drawn)
        assert (tmp_path / file).read_bytes()[1:4] == b"PNG"
    assert [each["title"] for each in shown] == [TITLE, TITLE]


def test_a_figure_is_printed_with_what_it_is_told(tmp_path):
    source, target = tmp_path / 'a "#b".svg', tmp_path / "a.pdf"
    source.write_text(DRAWING)
    figures.to_pdf(source, target, title=TITLE, author=TITLE, place=HOME)
    assert target.read_bytes().startswith(b"%PDF")
    svg = figures.with_rights(source.read_text(), author=TITLE, place=HOME)
    assert TITLE in {element.text for element in ElementTree.fromstring(svg).iter()}


def test_who_is_lost_reads_titles_without_markup(app, tmp_path):
    sharing.write_lists(app, None)
    soup = BeautifulSoup((tmp_path / "404.html").read_text("utf-8"), "html.parser")
    assert [link.get_text() for link in soup.select("li a")] == [TITLE, TITLE]
    assert soup.title.get_text() == f"Not found: {TITLE}"
    assert not soup.select("script, i")
    ElementTree.parse(tmp_path / "sitemap.xml")


def test_the_front_door_leads_to_the_first_page_only(app, tmp_path):
    pages.write_front_door(app, None)
    soup = BeautifulSoup((tmp_path / "index.html").read_text("utf-8"), "html.parser")
    assert soup.title.get_text() == soup.a.get_text() == TITLE
    assert soup.a["href"] == "index.html"
    assert not soup.select("script, i")


def test_tex_prints_a_text_as_it_is_typed(app):
    printed = escaped(TITLE)
    assert printed.count("{") == printed.count("}")
    assert escaped("\\ {a_b} 5 % & #1 ~ ^ $") == (
        r"\textbackslash{} \textbraceleft{}a\_b\textbraceright{} 5 \% \& \#1 "
        r"\textasciitilde{} \textasciicircum{} \$"
    )
    guide.add_preamble(app, app.config)
    assert (
        f"\\newcommand{{\\booksubtitle}}{{{printed}}}"
        in (app.config.latex_elements["preamble"])
    )


def test_a_citation_holds_together_whatever_the_title(app):
    context = {"title": escape(TITLE), "pageurl": HOME}
    doors.offer(app, "page", "", context, object())
    cited = context["doors"]["citation"]
    assert f"title        = {{{escaped(TITLE)}}}," in cited
    assert cited.count("{") == cited.count("}")


def test_the_sidebar_names_a_chapter_in_an_attribute():
    listing = (
        f'<li><a href="#">One</a></li><li><a href="#"><code>{escape(TITLE)}</code></a>'
        "<details><summary></summary></details></li>"
    )
    context = {"generate_toctree_html": lambda kind: listing}
    pages.name_toggles(None, "", "", context, None)
    soup = BeautifulSoup(context["generate_toctree_html"]("sidebar"), "html.parser")
    assert soup.summary["aria-label"] == f"Pages of {TITLE}"


def test_paper_gets_the_title_as_text():
    context = {"pagetitle": TITLE}
    pages.escape_title(None, "", "", context, None)
    assert BeautifulSoup(context["pagetitle"], "html.parser").get_text() == TITLE


def test_a_notebook_folds_what_has_markup_in_its_title():
    soup = BeautifulSoup(
        f"<details><summary>{escape(TITLE)}</summary><p>Yes.</p></details>",
        "html.parser",
    )
    (cell,) = notebooks.make_notebook(soup, [], {}, HOME, []).cells
    shown = BeautifulSoup(cell.source, "html.parser")
    assert shown.summary.get_text() == TITLE
    assert not shown.select("script, i")


def test_a_notebook_says_what_chapter_it_is():
    source = f"[{notebooks.literal(TITLE)}]({HOME})"
    page = pypandoc.convert_text(source, "html", "gfm", extra_args=["--wrap=none"])
    assert BeautifulSoup(page, "html.parser").a.get_text() == TITLE


def test_markup_in_a_title_is_printed():
    document = new_document("page.md")
    document += nodes.section(
        "", nodes.title("", "A ", nodes.raw("", "<b>", format="html"))
    )
    document += nodes.paragraph("", "", nodes.raw("", "<br>", format="html"))
    pages.PlainTitles(document).apply()
    assert document.next_node(nodes.title).astext() == "A <b>"
    assert [raw.astext() for raw in document.findall(nodes.raw)] == ["<br>"]
