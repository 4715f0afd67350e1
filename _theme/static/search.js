// What Sphinx's search leaves to a page: excerpts of the text alone, the number of hits
// said aloud, the field ready for typing.
const JUNK = "annotation, summary, .bd-header-article, #jb-print-docs-body, .this-page";
const toText = Search.htmlToText;
Search.htmlToText = (html, anchor) => {
  const page = new DOMParser().parseFromString(html, "text/html");
  page.querySelectorAll(JUNK).forEach((element) => element.remove());
  return toText(page.documentElement.outerHTML, anchor);
};
document.querySelector(".search-summary")?.setAttribute("role", "status");
if (!location.search) document.querySelector(".bd-search-container input")?.focus();
