// Runs in a page that is open; returns what only a browser knows about it.
() => {
  const unread = "code, pre, script, style, annotation, textarea, template, .only-print";
  const where = (element) => {
    const text = (element.textContent || "").trim().replace(/\s+/g, " ").slice(0, 60);
    const name = [element.tagName.toLowerCase(), ...element.classList].join(".");
    return `${name} "${text}"`;
  };
  const shown = (element) => element.checkVisibility({ visibilityProperty: true });

  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 1;
  const brush = canvas.getContext("2d", { willReadFrequently: true });
  const known = new Map();
  const rgba = (color) => {
    if (!known.has(color)) known.set(color, paint(color));
    return known.get(color);
  };
  const paint = (color) => {
    brush.clearRect(0, 0, 1, 1);
    brush.fillStyle = color;
    brush.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = brush.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, below) =>
    [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
  const background = (element) => {
    const layers = [];
    for (let e = element; e; e = e.parentElement)
      layers.push(rgba(getComputedStyle(e).backgroundColor));
    // Behind everything lies the browser's own canvas.
    const dark = getComputedStyle(document.documentElement).colorScheme === "dark";
    return layers.reverse().reduce((below, top) => over(top, below),
                                   dark ? [18, 18, 18, 1] : [255, 255, 255, 1]);
  };
  const luminance = (color) => {
    const linear = color.slice(0, 3).map((part) => {
      const c = part / 255;
      return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const contrast = (element) => {
    const below = background(element);
    const color = over(rgba(getComputedStyle(element).color), below);
    const [low, high] = [luminance(color), luminance(below)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };

  const main = document.querySelector("main") || document.body;
  const words = [...main.querySelectorAll(
    "p, li, td, th, h1, h2, h3, figcaption, summary, a, dd, pre, pre span, math")]
    .filter((e) => shown(e) && [...e.childNodes].some(
      (child) => child.nodeName === "#text" && child.data.trim()) || e.matches("math"));
  const pale = words
    .map((element) => [contrast(element), element])
    .filter(([ratio, element]) => ratio < 4.5 && shown(element))
    .map(([ratio, element]) => `${ratio.toFixed(2)}:1 ${where(element)}`);

  const formulas = [...document.querySelectorAll("math, mjx-container")].filter(
    (formula) => shown(formula.parentElement));
  const flat = formulas.filter((formula) => {
    const box = formula.getBoundingClientRect();
    return box.width < 1 || box.height < 1;
  });
  const broken = [...document.querySelectorAll("merror, mjx-merror, .math.problematic")];

  const tex = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode;
    if (/\\[a-zA-Z]{2,}|\$\$|\\[()\[\]]/.test(text.data)
        && !text.parentElement.closest(unread) && shown(text.parentElement))
      tex.push(where(text.parentElement));
  }

  const unseen = [...document.images]
    .filter((image) => shown(image))
    .filter((image) => !image.complete || image.naturalWidth === 0
                       || image.getBoundingClientRect().width < 1)
    .map((image) => image.getAttribute("src"));

  return {
    ground: luminance(background(document.body)),
    pale,
    formulas: formulas.length,
    flat: flat.map(where).concat(broken.map(where)),
    tex,
    unseen,
  };
}
