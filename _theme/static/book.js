// What overflows scrolls inside itself; make it reachable with the keyboard.
// The observer asks when a box is first laid out and whenever its size changes.
const boxes = "pre, .formula, .pst-scrollable-table-container, .output, .drawing";
const watch = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
    else target.removeAttribute("tabindex");
  }
});
document.querySelectorAll(boxes).forEach((box) => watch.observe(box));
