// Returns what sticks out of the page at its present width, if the page scrolls.
() => {
  const page = document.scrollingElement;
  if (page.scrollWidth <= page.clientWidth) return [];
  const clipped = (element) => {
    for (let e = element.parentElement; e && e !== document.body; e = e.parentElement)
      if (getComputedStyle(e).overflowX !== "visible") return true;
    return false;
  };
  const out = [...document.body.querySelectorAll("*")].filter((element) =>
    element.getBoundingClientRect().right > page.clientWidth + 1 && !clipped(element));
  const names = out.slice(0, 5).map((element) =>
    [element.tagName.toLowerCase(), ...element.classList].join("."));
  return [`${page.scrollWidth} px wide in ${page.clientWidth} px: ${names.join(", ")}`];
}
