// Buttons, sliders and keys of the viewer. What mouse and fingers do on the picture is in pointer.js.
const MOVE_PX = 40;
const ENLARGE = 1.25;

export function listen(viewer) {
  const on = (id, act) => document.getElementById(id).addEventListener("click", act);
  on("viewer-previous", () => viewer.toStop(-1));
  on("viewer-next", () => viewer.toStop(1));
  on("viewer-key", () => viewer.toKey());
  on("viewer-outlines", () => viewer.toggle(viewer.outlines));
  on("viewer-heat", () => viewer.toggle(viewer.heat));
  on("viewer-possible", () => viewer.toggle(viewer.possible));
  on("viewer-renew", () => viewer.renew());
  on("viewer-larger", () => viewer.enlarge(ENLARGE));
  on("viewer-smaller", () => viewer.enlarge(1 / ENLARGE));
  on("viewer-whole", () => viewer.whole());
  on("viewer-ruler", () => viewer.toggleRuler());
  on("viewer-cross", () => viewer.toggleCross());
  on("viewer-full", () => viewer.toggleFull());
  on("viewer-earlier", () => viewer.toggleEarlier());
  on("viewer-earlier-up", () => viewer.stepEarlier(-1));
  on("viewer-earlier-down", () => viewer.stepEarlier(1));
  for (const button of viewer.planes) button.addEventListener("click", () => viewer.turn(button.dataset.plane));
  viewer.slider.addEventListener("input", () => viewer.goTo(Number(viewer.slider.value) - 1));
  for (const slider of [viewer.width, viewer.level]) {
    slider.addEventListener("input", () => viewer.setWindow(viewer.width.value, viewer.level.value));
  }
  viewer.windows.addEventListener("click", (event) => {
    const preset = event.target.closest("[data-preset]");
    if (preset) viewer.setWindow(preset.dataset.width, preset.dataset.level);
  });
  document.addEventListener("keydown", (event) => onKey(viewer, event));
  document.addEventListener("fullscreenchange", () => viewer.fullChanged());
}

function onKey(viewer, event) {
  if (!viewer.stack || event.ctrlKey || event.altKey || event.metaKey || document.querySelector("dialog[open]")) return;
  if (event.target.closest("input:not([type=range]), select, textarea")) return;
  const inFrame = event.target === viewer.frame || nothingElseMoves(event.target);
  const act = (inFrame && frameKeys(viewer, event.shiftKey)[event.key]) || pageKeys(viewer)[event.key];
  if (!act) return;
  event.preventDefault();
  act();
}

// On a page that does not scroll, arrows have nothing to do but to go through the slices, until
// somebody clicks into the sections beside them, which they scroll then.
function nothingElseMoves(target) {
  const clicked = getSelection().anchorNode?.parentElement?.closest(".sections, .head");
  const rests = target === document.body || target.id === "main";
  return rests && !clicked && document.documentElement.scrollHeight <= window.innerHeight;
}

// Arrows go through the slices; they move the cross while there is one, and the picture with Shift.
function frameKeys(viewer, shift) {
  const { measure } = viewer;
  const last = viewer.plane.count - 1;
  const arrow = (right, down) => () => {
    if (measure.cross) measure.moveCross(right * (shift ? 10 : 1), down * (shift ? 10 : 1));
    else if (shift) viewer.move(-right * MOVE_PX, -down * MOVE_PX);
    else viewer.step(right + down);
  };
  return {
    ArrowDown: arrow(0, 1), ArrowRight: arrow(1, 0), ArrowUp: arrow(0, -1), ArrowLeft: arrow(-1, 0),
    PageDown: () => viewer.step(10), PageUp: () => viewer.step(-10),
    Home: () => viewer.step(-viewer.index), End: () => viewer.step(last - viewer.index),
    Enter: measure.ruling ? () => measure.mark() : undefined,
    Escape: measure.cross ? () => viewer.toggleCross() : measure.ruling ? () => viewer.toggleRuler() : undefined,
  };
}

function pageKeys(viewer) {
  const press = (place) => () => viewer.presets[place]?.click();
  return {
    n: () => viewer.toStop(1), b: () => viewer.toStop(-1), k: () => viewer.toKey(),
    1: press(0), 2: press(1), 3: press(2),
    "+": () => viewer.change(100, 0), "-": () => viewer.change(-100, 0),
    ".": () => viewer.change(0, 50), ",": () => viewer.change(0, -50),
    o: () => viewer.toggle(viewer.outlines), h: () => viewer.toggle(viewer.heat),
    p: () => viewer.toggle(viewer.possible),
    z: () => viewer.enlarge(ENLARGE), Z: () => viewer.enlarge(1 / ENLARGE), i: () => viewer.whole(),
    7: () => viewer.turn("axial"), 8: () => viewer.turn("coronal"), 9: () => viewer.turn("sagittal"),
    r: () => viewer.toggleRuler(), u: () => viewer.toggleCross(), f: () => viewer.toggleFull(),
    e: () => viewer.toggleEarlier(), "[": () => viewer.stepEarlier(-1), "]": () => viewer.stepEarlier(1),
    v: () => viewer.frame.focus(),
  };
}
