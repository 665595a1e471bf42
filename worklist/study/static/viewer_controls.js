// How a reader goes through the slices: buttons and sliders, wheel, finger, keys.
const AT_MOST = 3; // slices for one turn of a touch pad

export function listen(viewer) {
  const on = (id, act) => document.getElementById(id).addEventListener("click", act);
  on("viewer-previous", () => viewer.toLesionSlice(-1));
  on("viewer-next", () => viewer.toLesionSlice(1));
  on("viewer-key", () => viewer.toKey());
  on("viewer-outlines", () => viewer.toggle(viewer.outlines));
  on("viewer-heat", () => viewer.toggle(viewer.heat));
  on("viewer-possible", () => viewer.toggle(viewer.possible));
  on("viewer-renew", () => viewer.renew());
  viewer.index.addEventListener("input", () => viewer.goTo(Number(viewer.index.value) - 1));
  for (const slider of [viewer.width, viewer.level]) {
    slider.addEventListener("input", () => viewer.setWindow(viewer.width.value, viewer.level.value));
  }
  viewer.windows.addEventListener("click", (event) => {
    const preset = event.target.closest("[data-preset]");
    if (preset) viewer.setWindow(preset.dataset.width, preset.dataset.level);
  });
  listenToWheel(viewer);
  listenToTouch(viewer);
  document.addEventListener("keydown", (event) => onKey(viewer, event));
  new ResizeObserver(() => viewer.draw()).observe(viewer.frame);
}

function listenToWheel(viewer) {
  let turned = 0;
  viewer.frame.addEventListener("wheel", (event) => {
    if (!viewer.stack || event.ctrlKey) return; // that one enlarges the page
    event.preventDefault();
    // A wheel turns by notches of about 100; a touch pad by many small steps.
    turned += event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? event.deltaY / 50 : event.deltaY;
    const slices = Math.sign(turned) * Math.min(Math.floor(Math.abs(turned)), AT_MOST);
    if (Math.abs(event.deltaY) >= 50 || event.deltaMode !== WheelEvent.DOM_DELTA_PIXEL) {
      turned = 0;
      viewer.step(Math.sign(event.deltaY));
    } else if (slices) {
      turned = 0;
      viewer.step(slices);
    }
  }, { passive: false });
}

// Sideways, so that a finger on the picture can still scroll the page (touch-action: pan-y).
function listenToTouch(viewer) {
  let from = null;
  viewer.frame.addEventListener("pointerdown", (event) => {
    if (event.pointerType !== "mouse" && event.isPrimary) from = { x: event.clientX, place: viewer.place };
  });
  viewer.frame.addEventListener("pointermove", (event) => {
    if (!from || event.pointerType === "mouse" || !viewer.stack) return;
    const across = viewer.frame.getBoundingClientRect().width;
    // The width of the picture is a third of the stack, and a slice never less than 6 pixels.
    const each = Math.max(across / Math.max(viewer.stack.facts.slices / 3, 1), 6);
    const wanted = from.place - Math.round((event.clientX - from.x) / each);
    if (wanted !== viewer.place) viewer.goTo(wanted);
  });
  for (const ending of ["pointerup", "pointercancel"]) {
    viewer.frame.addEventListener(ending, () => { from = null; });
  }
}

function onKey(viewer, event) {
  if (!viewer.stack || event.ctrlKey || event.altKey || event.metaKey || document.querySelector("dialog[open]")) return;
  if (event.target.closest("input:not([type=range]), select, textarea")) return;
  const inFrame = event.target === viewer.frame;
  const act = (inFrame && frameKeys(viewer)[event.key]) || pageKeys(viewer)[event.key];
  if (!act) return;
  event.preventDefault();
  act();
}

function frameKeys(viewer) {
  const last = viewer.stack.facts.slices - 1;
  return {
    ArrowDown: () => viewer.step(1), ArrowRight: () => viewer.step(1),
    ArrowUp: () => viewer.step(-1), ArrowLeft: () => viewer.step(-1),
    PageDown: () => viewer.step(10), PageUp: () => viewer.step(-10),
    Home: () => viewer.step(-viewer.place), End: () => viewer.step(last - viewer.place),
  };
}

function pageKeys(viewer) {
  const press = (place) => () => viewer.presets[place]?.click();
  return {
    n: () => viewer.toLesionSlice(1), b: () => viewer.toLesionSlice(-1), k: () => viewer.toKey(),
    1: press(0), 2: press(1), 3: press(2),
    "+": () => viewer.change(100, 0), "-": () => viewer.change(-100, 0),
    ".": () => viewer.change(0, 50), ",": () => viewer.change(0, -50),
    o: () => viewer.toggle(viewer.outlines), h: () => viewer.toggle(viewer.heat),
    p: () => viewer.toggle(viewer.possible),
    v: () => viewer.frame.focus(),
  };
}
