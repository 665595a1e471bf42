// Keys of a single character can be switched off (WCAG 2.2, 2.1.4): who dictates, or rests a hand on
// the keyboard, presses them without meaning to. Kept in the browser, each workstation for itself.
"use strict";

(() => {
  const KEPT = "firstread-single-keys";
  const isOff = () => localStorage.getItem(KEPT) === "off";
  const tell = () => { document.documentElement.dataset.singleKeys = isOff() ? "off" : "on"; };

  // Before every other listener: those of the viewer, the list and the verdict need not know of it.
  window.addEventListener("keydown", (event) => {
    if (!isOff() || event.key.length !== 1 || event.key === " ") return;
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    event.stopImmediatePropagation();
  }, { capture: true });

  const choice = document.getElementById("single-keys");
  if (choice) {
    choice.checked = !isOff();
    choice.addEventListener("change", () => {
      localStorage.setItem(KEPT, choice.checked ? "on" : "off");
      tell();
    });
  }
  const button = document.getElementById("show-keys");
  if (button) {
    button.hidden = false;
    button.addEventListener("click", () => document.getElementById("keys").showModal());
  }
  tell();
})();
