"""The book's own addresses stand in _config.yml; all other mentions agree with it.

A fork changes `repository: url` and `html: baseurl` there, and this test tells it
of every other place, file and line.
"""

import re
import shutil
import subprocess
import tomllib

import pytest
import yaml
from the_book import ROOT, lacking, settings

# Other people's OWNER/NAME and NAME.github.io that the book speaks of. Whatever is
# not here has to be this book.
OTHERS = {  # cited in the bibliography and where wrong backward passes are shown
    "Bot-Academy/NeuralNetworkFromScratch",
    "VikParuchuri/zero_to_gpt",
    "ddbourgin/numpy-ml",
    "iamtrask/Grokking-Deep-Learning",
    "karpathy/micrograd",
    "numpy/numpy-tutorials",
    "sar-gupta/neural-network-from-scratch",
}

OWNER_NAME = r"(?P<found>[\w.-]+/[\w.-]+)"
REPOSITORIES = [
    re.compile(rf"github\.com[/:]{OWNER_NAME}", re.IGNORECASE),
    re.compile(rf"raw\.githubusercontent\.com/{OWNER_NAME}", re.IGNORECASE),
    re.compile(rf"mybinder\.org/(?:v2/gh|badge)/{OWNER_NAME}", re.IGNORECASE),
    re.compile(rf"colab\.research\.google\.com/github/{OWNER_NAME}", re.IGNORECASE),
    re.compile(
        r"img\.shields\.io/github/(?:actions/workflow/status|[a-z-]+)/" + OWNER_NAME,
        re.IGNORECASE,
    ),
]
SITES = re.compile(r"(?P<found>[\w-]+\.github\.io(?:/[\w.-]+)?)", re.IGNORECASE)
SCRIPT = "tests/site/test_addresses.py"
# Other people's packages have other people's addresses.
NOT_OURS = {SCRIPT, "requirements.txt", "tests/site/package-lock.json"}


def own_repository() -> str:
    """Return OWNER/NAME as _config.yml has it."""
    return (
        settings()["repository"]["url"].rstrip("/").removeprefix("https://github.com/")
    )


def own_site() -> str:
    """Return the site's address as _config.yml has it, without https://."""
    return settings()["html"]["baseurl"].rstrip("/").removeprefix("https://")


def mentions(text: str, repository: str, site: str) -> list[tuple[int, str, str]]:
    """Return what should be ours and is not: line, what stands there, what should."""
    found = []
    for number, line in enumerate(text.split("\n"), start=1):
        for pattern in REPOSITORIES:
            for match in pattern.finditer(line):
                name = match["found"].removesuffix(".git").rstrip(".")
                if name != repository and name not in OTHERS:
                    found.append((number, name, repository))
        for match in SITES.finditer(line):
            name = match["found"].rstrip(".")
            if name != site and name not in OTHERS:
                found.append((number, name, site))
    return found


def tracked_texts() -> list[tuple[str, str]]:
    """Return the tracked files that are text: name and content."""
    if not (shutil.which("git") and (ROOT / ".git").exists()):
        lacking("This is no git clone, or git is missing: which files count?")
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    texts = []
    for name in filter(None, listing.stdout.split("\0")):
        file = ROOT / name
        if name in NOT_OURS or not file.is_file():
            continue
        try:
            texts.append((name, file.read_text(encoding="utf-8")))
        except UnicodeDecodeError:
            continue
    return texts


def test_every_mention_agrees_with_the_settings():
    faults = [
        f"{name}:{line}: {found} should be {wanted}, as in _config.yml"
        for name, text in tracked_texts()
        for line, found, wanted in mentions(text, own_repository(), own_site())
    ]
    remedy = f"(another project? then add it to OTHERS in {SCRIPT})"
    if faults:
        pytest.fail("\n".join(["", *faults, remedy]), pytrace=False)


def test_citation_metadata_and_settings_agree():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    project = project["project"]
    assert citation["repository-code"] == settings()["repository"]["url"]
    assert citation["url"] == settings()["html"]["baseurl"]
    assert citation["title"] == settings()["title"]
    assert citation["authors"][0]["name"] == settings()["author"]
    assert citation["version"] == project["version"]
    assert citation["license"] == project["license"]


def test_readme_tells_the_addresses():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert settings()["html"]["baseurl"] in readme
    assert f"mybinder.org/v2/gh/{own_repository()}/" in readme


@pytest.mark.parametrize(
    "line",
    [
        "https://github.com/old/book",
        "git@github.com:old/book.git",
        "pip install 'x @ git+https://github.com/old/book.git'",
        "https://raw.githubusercontent.com/old/book/main/x.svg",
        "https://mybinder.org/v2/gh/old/book/main",
        "https://colab.research.google.com/github/old/book/blob/main/x.ipynb",
        "https://img.shields.io/github/actions/workflow/status/old/book/check.yml",
        "https://old.github.io/book/",
        "See https://old.github.io/book.",
    ],
)
def test_an_old_address_is_found(line):
    assert [number for number, *_ in mentions(f"\n{line}", "new/book", "new.io")] == [2]
    assert mentions(line, "old/book", "old.github.io/book") == []
