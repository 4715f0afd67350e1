// What overflows scrolls inside itself; make it reachable with the keyboard, and let it
// fade where more of it is hidden. The observer asks when a box is first laid out and
// whenever its size changes.
const boxes = "pre, .formula, .pst-scrollable-table-container, .output, .drawing";
const fade = ({ target }) => {
  const hidden = target.scrollWidth - target.clientWidth - target.scrollLeft;
  target.classList.toggle("more", hidden > 2);
};
const watch = new ResizeObserver((entries) => {
  for (const entry of entries) {
    const { target } = entry;
    if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
    else target.removeAttribute("tabindex");
    fade(entry);
  }
});
for (const box of document.querySelectorAll(boxes)) {
  watch.observe(box);
  box.addEventListener("scroll", fade, { passive: true });
}

// On paper there is no night.
const theme = document.documentElement.dataset;
addEventListener("beforeprint", () => { theme.screen = theme.theme; theme.theme = "light"; });
addEventListener("afterprint", () => { theme.theme = theme.screen; });

// The theme and the script that copies let go of a button that was pressed; who pressed
// it with the keyboard wants to go on from there. And who cannot see hears of the copy.
const news = Object.assign(document.createElement("p"), { className: "visually-hidden" });
news.setAttribute("role", "status");
document.body.append(news);
document.addEventListener("click", ({ target, detail }) => {
  const button = target.closest(".copybtn, .theme-switch-button, .primary-toggle");
  if (!button) return;
  if (button.matches(".copybtn")) news.textContent = "Copied";
  if (button.matches(".theme-switch-button")) news.textContent = `Color mode: ${theme.mode}`;
  if (detail === 0) setTimeout(() => button.focus({ preventScroll: true }), 50);
});

// The bars at the sides, on a narrow screen: with a name, with a button that closes them,
// and gone when one has chosen a place.
const names = { "pst-search-dialog": "Search", "pst-primary-sidebar-modal": "The book",
                "pst-secondary-sidebar-modal": "On this page" };
for (const dialog of document.querySelectorAll("dialog")) {
  dialog.setAttribute("aria-label", names[dialog.id]);
  dialog.addEventListener("click", ({ target }) => {
    if (target.closest("a")) dialog.close();
  });
  if (dialog.id === "pst-search-dialog") continue;
  dialog.insertAdjacentHTML("afterbegin",
    '<form method="dialog" class="close"><button class="btn">Close</button></form>');
}
