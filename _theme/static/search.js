// What Sphinx's search leaves to a page: excerpts of the text alone, the number of hits
// said aloud, the field ready for typing; and no word that it stumbles over.
const JUNK = "annotation, summary, .bd-header-article, #jb-print-docs-body, .this-page";
// Each word is tried on each word of the book; nobody types more than the field takes.
const LONGEST = document.querySelector("input[name=q]").maxLength;
const { htmlToText, setIndex, query } = Search;
Search.htmlToText = (html, anchor) => {
  const page = new DOMParser().parseFromString(html, "text/html");
  page.querySelectorAll(JUNK).forEach((element) => element.remove());
  return htmlToText(page.documentElement.outerHTML, anchor);
};
Search.setIndex = (index) => {
  // A word like `constructor` must not find what every object has by birth.
  const { hasOwnProperty } = Object.prototype;
  for (const words of [index.terms, index.titleterms]) {
    Object.setPrototypeOf(words, { __proto__: null, hasOwnProperty });
  }
  // Sphinx writes titles of pages into the index as HTML, those of sections as text, and
  // all of them into the list of hits as HTML.
  const titles = Object.entries(index.alltitles).map(([title, places]) => [
    title.replace(/&/g, "&amp;").replace(/</g, "&lt;"), places]);
  index.alltitles = Object.fromEntries(titles);
  setIndex(index);
};
const note = document.createElement("div");
note.setAttribute("role", "status");
document.querySelector("#search-results").before(note);
Search.query = (words) => {
  if (words.length > LONGEST)
    note.textContent = `Only the first ${LONGEST} letters are searched for.`;
  query(words.slice(0, LONGEST));
};
document.querySelector(".search-summary")?.setAttribute("role", "status");
if (!location.search) document.querySelector(".bd-search-container input")?.focus();
