"""Numbers that a run put into a sentence are set as a printer would."""

import re

PYTHON = re.compile(r"(?<![\w.])-\d|\de[+-]\d")


def test_no_number_in_a_sentence_looks_like_python(site):
    glued = [
        (page.name, number.get_text())
        for page in site.pages
        for number in page.soup.select("article .pasted-text")
    ]
    assert len(glued) > 500
    assert any("−" in text for _, text in glued)
    assert not [pair for pair in glued if PYTHON.search(pair[1])]
