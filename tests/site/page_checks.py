"""What the built pages must be, as far as reading the files tells.

Each check takes a site and returns its faults, one sentence each.
"""

import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from gzip import compress
from hashlib import sha256
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup, Comment, NavigableString, Tag

PAGE_BYTES = 250_000  # of HTML, as it is
LOADED_BYTES, LOADED_FILES = 250_000, 15  # of all but figures, compressed
LOADED_RELS = {
    "stylesheet",
    "preload",
    "prefetch",
    "modulepreload",
    "preconnect",
    "dns-prefetch",
    "icon",
    "apple-touch-icon",
    "manifest",
}
LOADING = {
    "script": ("src",),
    "img": ("src", "srcset"),
    "source": ("src", "srcset"),
    "iframe": ("src",),
    "embed": ("src",),
    "object": ("data",),
    "video": ("src", "poster"),
    "audio": ("src",),
    "track": ("src",),
    "image": ("href", "xlink:href"),
    "use": ("href", "xlink:href"),
}
UNREAD = {"code", "pre", "script", "style", "annotation", "textarea", "template"}
TEX = re.compile(r"\\[a-zA-Z]{2,}|\$\$|\\[()\[\]]|(?<!\\)\$[^$\s]*[\\^_{}][^$]*\$")
CSS_ADDRESS = re.compile(r"url\(\s*['\"]?([^'\")]+)|@import\s+['\"]([^'\"]+)")
SCRIPT_ADDRESS = re.compile(
    r"(?:\bimport\s*\(?|\bfrom|\bimportScripts\(|\bfetch\()\s*['\"`]((?:https?:)?//[^'\"`]+)"
)


@dataclass
class Page:
    """One HTML file of the site."""

    file: Path
    name: str

    @cached_property
    def html(self) -> str:
        """The file's text."""
        return self.file.read_text(encoding="utf-8")

    @cached_property
    def soup(self) -> BeautifulSoup:
        """The file's elements."""
        return BeautifulSoup(self.html, "html.parser")

    @cached_property
    def anchors(self) -> set[str]:
        """What a link's #fragment can point at."""
        named = self.soup.find_all(lambda tag: tag.has_attr("id") or tag.name == "a")
        return {str(tag.get("id") or tag.get("name")) for tag in named}

    @property
    def is_redirect(self) -> bool:
        """Tell a page that only leads to another one."""
        return self.refresh is not None

    @property
    def refresh(self) -> str | None:
        """The address a redirecting page leads to."""
        meta = self.soup.find("meta", attrs={"http-equiv": re.compile("refresh", re.I)})
        found = re.search(r"url=(\S+)", str(meta.get("content"))) if meta else None
        return found[1] if found else None

    def say(self, tag: Tag, fault: str) -> str:
        """Return a fault with the page and line it stands on."""
        return f"{self.name}:{tag.sourceline}: {fault}"


@dataclass
class Site:
    """The folder that is published."""

    root: Path

    @cached_property
    def pages(self) -> list[Page]:
        """All pages; what Sphinx keeps for itself is not among them."""
        files = sorted(self.root.rglob("*.html"))
        relative = [(file, file.relative_to(self.root)) for file in files]
        return [
            Page(file, name.as_posix())
            for file, name in relative
            if name.parts[0] not in ("_static", "_sources", "_templates")
        ]

    @cached_property
    def by_file(self) -> dict[Path, Page]:
        """The page of each file."""
        return {page.file: page for page in self.pages}


def is_elsewhere(address: str) -> bool:
    """Tell an address on another host from one of this site, or one within a page."""
    parts = urlsplit(address.strip())
    return bool(parts.netloc) or parts.scheme in ("http", "https", "ws", "wss")


def dead_links(site: Site) -> list[str]:
    """Links within the site that lead to no file, or to no place in a page."""
    faults = []
    for page in site.pages:
        for tag in page.soup.find_all(["a", "area", "link"], href=True):
            address = str(tag["href"])
            if is_elsewhere(address) or urlsplit(address).scheme:
                continue
            if remedy := _link_fault(site, page, address):
                faults.append(page.say(tag, remedy))
        if page.refresh and (remedy := _link_fault(site, page, page.refresh)):
            faults.append(f"{page.name}: {remedy}")
    return faults


def _link_fault(site: Site, page: Page, address: str) -> str | None:
    """Return what is wrong with a link, if something is."""
    path, _, fragment = address.partition("#")
    target = _file(page, path) if path else page.file
    if target.is_dir():
        target /= "index.html"
    if not target.is_file():
        return f"dead link: {address} (no such file)"
    known = site.by_file.get(target)
    if fragment and known and unquote(fragment) not in known.anchors:
        return f"dead link: {address} (no such place in {known.name})"
    return None


def _file(page: Page, address: str) -> Path:
    """Return the file that an address in a page names."""
    path = unquote(urlsplit(address).path)
    return (page.file.parent / path).resolve()


def broken_images(site: Site) -> list[str]:
    """Pictures without a file, or without another text."""
    faults = []
    for page in site.pages:
        for tag in page.soup.find_all(["img", "object", "embed"]):
            address = str(tag.get("src") or tag.get("data") or "")
            if not address:
                faults.append(page.say(tag, f"<{tag.name}> without an address"))
                continue
            embedded = urlsplit(address).scheme == "data"
            if not (
                embedded or is_elsewhere(address) or _file(page, address).is_file()
            ):
                faults.append(page.say(tag, f"no such image: {address}"))
            other = tag.get("alt") if tag.name == "img" else tag.get("aria-label")
            if not str(other or "").strip() and not _is_decoration(tag):
                faults.append(page.say(tag, f"no alt text: {address[:80]}"))
            # Sphinx and matplotlib put the address there when nobody wrote one.
            elif re.fullmatch(r"\S+\.(svg|png|jpe?g)|<Figure .*>", str(other).strip()):
                faults.append(page.say(tag, f"alt text is no text: {other}"))
    return faults


def _is_decoration(tag: Tag) -> bool:
    """Tell a picture that is said to be empty in a link that has words, as a logo."""
    link = tag.find_parent(["a", "button"])
    is_empty = tag.get("alt") == "" or tag.get("aria-hidden") == "true"
    return is_empty and link is not None and bool(link.get_text(strip=True))


def third_parties(site: Site) -> list[str]:
    """Addresses on other hosts that a page, a style sheet or a drawing loads."""
    faults = []
    for page in site.pages:
        for tag, address in _loaded(page.soup):
            if is_elsewhere(address):
                faults.append(page.say(tag, f"<{tag.name}> loads {address}"))
    for pattern in ("*.css", "*.svg", "*.js", "*.mjs"):
        for file in sorted(site.root.rglob(pattern)):
            text = file.read_text(encoding="utf-8", errors="replace")
            name = file.relative_to(site.root).as_posix()
            faults += [
                f"{name}: loads {address}" for address in _addresses(text, file.suffix)
            ]
    return faults


def _loaded(soup: BeautifulSoup) -> Iterator[tuple[Tag, str]]:
    """Yield what elements of a page make the browser fetch."""
    for tag in soup.find_all(True):
        for name in LOADING.get(tag.name, ()):
            for part in str(tag.get(name, "")).split(","):
                yield tag, (part.split() or [""])[0]
        if tag.name == "link" and LOADED_RELS & set(tag.get("rel") or []):
            yield tag, str(tag.get("href", ""))
        styles = str(tag.get("style", ""))
        styles += tag.get_text() if tag.name == "style" else ""
        for match in CSS_ADDRESS.finditer(styles):
            yield tag, match[1] or match[2]
        if tag.name == "script" and not tag.get("src"):
            for match in SCRIPT_ADDRESS.finditer(tag.get_text()):
                yield tag, match[1]


def _addresses(text: str, suffix: str) -> list[str]:
    """Return what a style sheet, a script or a drawing loads from elsewhere."""
    if suffix in (".js", ".mjs"):
        return [match[1] for match in SCRIPT_ADDRESS.finditer(text)]
    found = [match[1] or match[2] for match in CSS_ADDRESS.finditer(text)]
    if suffix == ".svg":
        elements = re.sub(r"<\?xml.*?\?>", "", text)  # else taken for a mistaken page
        found = [a for _, a in _loaded(BeautifulSoup(elements, "html.parser"))]
    return [address for address in found if is_elsewhere(address)]


def titles_and_descriptions(site: Site) -> list[str]:
    """Pages without a title or a description, or with that of another page."""
    faults = []
    seen: dict[str, str] = {}
    for page in site.pages:
        title = page.soup.title.get_text(strip=True) if page.soup.title else ""
        meta = page.soup.find("meta", attrs={"name": "description"})
        text = str(meta.get("content", "")).strip() if meta else ""
        for kind, words in (("title", title), ("description", text)):
            if not words:
                faults.append(f"{page.name}: no {kind}")
            elif (key := f"{kind} {words}") in seen and not page.is_redirect:
                faults.append(f"{page.name}: the {kind} of {seen[key]} again")
            else:
                seen[key] = page.name
        if page.soup.html and not page.soup.html.get("lang"):
            faults.append(f"{page.name}: <html> without lang")
    return faults


def raw_tex(site: Site) -> list[str]:
    """Formulas that reached the reader as TeX."""
    faults = []
    for page in site.pages:
        for text in page.soup.find_all(string=TEX):
            if isinstance(text, Comment) or not isinstance(text, NavigableString):
                continue
            if not UNREAD & {parent.name for parent in text.parents}:
                found = TEX.search(text)
                faults.append(page.say(text.parent, f"TeX is left: {found[0]!r}"))
    return faults


def heavy_pages(site: Site) -> list[str]:
    """Pages above the limit, without what they load."""
    sizes = [(page.name, page.file.stat().st_size) for page in site.pages]
    return [
        f"{name}: {size:,} bytes of HTML, the limit is {PAGE_BYTES:,}"
        for name, size in sizes
        if size > PAGE_BYTES
    ]


def heavy_loads(site: Site) -> list[str]:
    """Pages that load more than the limit before a figure is seen."""
    faults = []
    for page in site.pages:
        addresses = {address for _, address in _loaded(page.soup)}
        files = {page.file} | {_file(page, a) for a in addresses if a}
        files = {f for f in files if f.is_file() and f.parent.name != "_images"}
        total = sum(len(compress(file.read_bytes())) for file in files)
        if total > LOADED_BYTES or len(files) > LOADED_FILES:
            faults.append(
                f"{page.name}: loads {len(files)} files of {total:,} bytes; the limits "
                f"are {LOADED_FILES} and {LOADED_BYTES:,}"
            )
    return faults


def names_given_twice(site: Site) -> list[str]:
    """Elements of a page that share a name, so that a link finds one of them only."""
    faults = []
    for page in site.pages:
        seen: set[str] = set()
        for tag in page.soup.find_all(id=True):
            if tag["id"] in seen:
                faults.append(page.say(tag, f"the name {tag['id']} once more"))
            seen.add(str(tag["id"]))
    return faults


def build_leftovers(site: Site) -> list[str]:
    """Marks of something that did not build: errors and unresolved references."""
    faults = []
    for page in site.pages:
        for tag in page.soup.select(".system-message, .problematic, .xref-missing"):
            faults.append(page.say(tag, f"Sphinx left an error: {tag.get_text()[:80]}"))
        for tag in page.soup.select(".output.traceback, .output_error"):
            faults.append(page.say(tag, f"a cell failed: {tag.get_text()[:80]}"))
    return faults


def unprotected(site: Site) -> list[str]:
    """Pages without a policy at their head, or with one that does not fit them."""
    faults = []
    for page in site.pages:
        metas = page.soup.find_all("meta")
        if not metas or not metas[0].get("charset") or not _policy(metas[1]):
            faults.append(f"{page.name}: no policy right after its encoding")
            continue
        rules = {kind: sources for kind, *sources in _policy(metas[1])}
        if rules.get("default-src") != ["'none'"]:
            faults.append(f"{page.name}: its policy does not begin with nothing")
        for kind in ("script", "style"):
            sources = rules[f"{kind}-src"]
            if wide := {*sources} & {"'unsafe-inline'", "'unsafe-eval'", "https:", "*"}:
                faults.append(f"{page.name}: {kind}-src has {', '.join(wide)}")
            if {each for each in sources if "sha256" in each} != _held(page, kind):
                faults.append(f"{page.name}: {kind}-src is not what the page holds")
    return faults


def _policy(meta: Tag) -> list[list[str]]:
    """Return the rules of a page's policy, each with its sources."""
    if meta.get("http-equiv") != "Content-Security-Policy":
        return []
    return [rule.split() for rule in str(meta["content"]).split(";")]


def _held(page: Page, kind: str) -> set[str]:
    """Return how a policy names each script, or each style, that stands in a page."""
    tags = [tag for tag in page.soup.find_all(kind) if not tag.get("src")]
    texts = [tag.string or "" for tag in tags if "json" not in str(tag.get("type"))]
    digests = [sha256(text.encode()).digest() for text in texts]
    return {f"'sha256-{b64encode(digest).decode()}'" for digest in digests}


def stopped(site: Site) -> list[str]:
    """What a page's policy does not let happen, and new windows that know the old."""
    faults = []
    for page in site.pages:
        for tag in page.soup.find_all(True):
            for name, value in tag.attrs.items():
                if name.startswith("on") or name == "style":
                    faults.append(page.say(tag, f"no policy allows {name}={value!r}"))
                elif str(value).strip().lower().startswith("javascript:"):
                    faults.append(page.say(tag, f"no policy allows {value}"))
            if tag.get("target") == "_blank" and "noopener" not in tag.get("rel", []):
                faults.append(page.say(tag, "a new window without noopener"))
    return faults


CHECKS = [
    dead_links,
    broken_images,
    third_parties,
    titles_and_descriptions,
    raw_tex,
    heavy_pages,
    heavy_loads,
    names_given_twice,
    build_leftovers,
    unprotected,
    stopped,
]
