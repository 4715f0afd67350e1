// What overflows scrolls inside itself; make it reachable with the keyboard.
const boxes = "pre, .formula, .pst-scrollable-table-container, .output, .drawing";
function markScrollable() {
  for (const box of document.querySelectorAll(boxes)) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
}
document.fonts.ready.then(markScrollable);
window.addEventListener("resize", markScrollable);
document.addEventListener("toggle", markScrollable, true);
