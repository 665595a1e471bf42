// Explains a word where it stands: on hover, on focus and by touch (WCAG 2.2, 1.4.13). What it says
// can be dismissed with Escape, can be hovered, and stays until hover and focus have left it.
// A word is a link to its place on the help page; the first touch explains, the second follows it.
"use strict";

(() => {
  const SHOW_AFTER_MS = 150;
  const HIDE_AFTER_MS = 250; // time to move from the word to what is said of it
  const GAP = 6;
  const said = document.createElement("div");
  said.id = "explanation";
  said.setAttribute("role", "tooltip");
  said.hidden = true;
  document.body.append(said);
  let shown = null;
  let touched = null;
  let timer = 0;

  const wordAt = (target) => (target instanceof Element ? target.closest("a.word") : null);

  function place() {
    if (shown && !shown.isConnected) shown = (shown.id && document.getElementById(shown.id)) || null;
    if (!shown) return hide();
    const word = shown.getBoundingClientRect();
    const box = said.getBoundingClientRect();
    const room = document.documentElement.clientWidth - box.width - GAP;
    const above = word.top - box.height - GAP;
    const below = word.bottom + GAP;
    const fits = below + box.height <= window.innerHeight || above < 0;
    said.style.left = `${Math.max(GAP, Math.min(word.left, room))}px`;
    said.style.top = `${fits ? below : above}px`;
  }

  function show(word) {
    clearTimeout(timer);
    const text = document.getElementById(word.getAttribute("aria-describedby"))?.textContent.trim();
    if (!text) return;
    shown = word;
    said.textContent = text;
    said.hidden = false;
    place();
  }

  function hide() {
    clearTimeout(timer);
    said.hidden = true;
    shown = null;
  }

  function later(act, ms) {
    clearTimeout(timer);
    timer = setTimeout(act, ms);
  }

  const isHeld = () => document.activeElement === shown && shown.matches(":focus-visible");

  document.addEventListener("pointerover", (event) => {
    if (event.pointerType === "touch") return;
    const word = wordAt(event.target);
    if (word) later(() => show(word), word === shown ? 0 : SHOW_AFTER_MS);
    else if (said.contains(event.target)) clearTimeout(timer);
    else if (!shown) clearTimeout(timer);
    else if (!isHeld()) later(hide, HIDE_AFTER_MS);
  });

  document.addEventListener("focusin", (event) => {
    const word = wordAt(event.target);
    if (word && word.matches(":focus-visible")) show(word);
  });

  document.addEventListener("focusout", (event) => {
    if (event.target === shown && !shown.matches(":hover") && !said.matches(":hover")) hide();
  });

  document.addEventListener("pointerdown", (event) => {
    touched = event.pointerType === "touch" ? wordAt(event.target) : null;
    if (shown && !said.contains(event.target) && wordAt(event.target) !== shown) hide();
  });

  document.addEventListener("click", (event) => {
    const word = wordAt(event.target);
    if (!word || word !== touched || word === shown) return;
    event.preventDefault();
    show(word);
  });

  // Before any other key handler: what Escape closes first is what lies on top.
  window.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !shown) return;
    event.stopImmediatePropagation();
    event.preventDefault();
    hide();
  }, { capture: true });

  window.addEventListener("scroll", () => shown && place(), { capture: true, passive: true });
  window.addEventListener("resize", () => shown && place());
})();
