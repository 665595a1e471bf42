// Mouse, wheel and fingers on a picture.
//
//   mouse   drag: window; right button: zoom; middle button or Shift: move; wheel: slices, with Ctrl: zoom
//   finger  one: slices; two: zoom and move; a tap: HU
const AT_MOST = 3; // slices for one turn of a touch pad
const TAP_PX = 6;

export function listenToPointers(viewer, pane, pictureOf) {
  listenToWheel(viewer, pane, pictureOf);
  const down = new Map(); // pointers that are down, by their id
  let drag = null;

  const at = (event) => {
    const box = pane.getBoundingClientRect();
    return { left: event.clientX - box.left, top: event.clientY - box.top };
  };

  pane.addEventListener("contextmenu", (event) => event.preventDefault());
  pane.addEventListener("pointerdown", (event) => {
    const picture = pictureOf();
    if (!picture.plane) return;
    pane.setPointerCapture(event.pointerId);
    down.set(event.pointerId, at(event));
    const finger = event.pointerType !== "mouse";
    if (event.pointerType === "mouse") event.preventDefault(); // no dragging of pictures, no autoscroll
    viewer.frame.focus({ preventScroll: true });
    drag = {
      does: down.size > 1 ? "pinch" : doing(viewer, event, finger),
      from: at(event), last: at(event), index: viewer.index, moved: false, spread: spread(down),
      window: picture.window,
    };
    if (drag.does === "ruler") viewer.measure.begin(picture, picture.pointAt(drag.from.left, drag.from.top));
  });
  pane.addEventListener("pointermove", (event) => {
    const picture = pictureOf();
    if (!picture.plane) return;
    const here = at(event);
    if (!drag || !down.has(event.pointerId)) {
      if (event.pointerType === "mouse") viewer.measure.hover(picture, picture.pointAt(here.left, here.top));
      return;
    }
    const before = middle(down);
    down.set(event.pointerId, here);
    if (Math.hypot(here.left - drag.from.left, here.top - drag.from.top) > TAP_PX) drag.moved = true;
    if (drag.moved || drag.does === "pinch") go(viewer, picture, drag, here, before, down, pane);
    drag.last = here;
  });
  const end = (event) => {
    if (!down.delete(event.pointerId) || !drag) return;
    const picture = pictureOf();
    if (drag.does === "ruler" && event.type === "pointerup") {
      const point = picture.pointAt(drag.last.left, drag.last.top);
      if (drag.moved) viewer.measure.stretch(picture, point, { done: true });
    } else if (!drag.moved && drag.does !== "pinch" && event.type === "pointerup") {
      viewer.measure.read(picture, picture.pointAt(drag.from.left, drag.from.top));
    }
    // A finger that stays after a pinch does nothing: it would scroll by what it rolls off.
    drag = down.size ? { ...drag, does: "nothing" } : null;
  };
  pane.addEventListener("pointerup", end);
  pane.addEventListener("pointercancel", end);
  // A finger leaves with every tap: what it read stays.
  pane.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") viewer.measure.leave(); });
  pane.addEventListener("dblclick", () => viewer.whole());
}

function doing(viewer, event, finger) {
  if (event.button === 2) return "zoom";
  if (event.button === 1 || event.shiftKey) return "move";
  if (viewer.measure.ruling) return "ruler";
  return finger ? "slices" : "window";
}

function go(viewer, picture, drag, here, before, down, pane) {
  const [right, below] = [here.left - drag.last.left, here.top - drag.last.top];
  const [across, along] = [here.left - drag.from.left, here.top - drag.from.top];
  if (drag.does === "window") {
    // From where the drag began: small steps would each be rounded.
    const { width, level } = drag.window;
    viewer.setWindow(Math.round(width + across * 2), Math.round(level + along * 2));
  } else if (drag.does === "zoom") {
    viewer.enlarge(1.01 ** -below, drag.from.left, drag.from.top);
  } else if (drag.does === "move") {
    viewer.move(right, below);
  } else if (drag.does === "ruler") {
    viewer.measure.stretch(picture, picture.pointAt(here.left, here.top));
  } else if (drag.does === "slices") {
    const sideways = Math.abs(across) > Math.abs(along);
    const box = pane.getBoundingClientRect();
    // A third of the stack for each side of the picture, and a slice never less than 6 pixels.
    const each = Math.max((sideways ? box.width : box.height) / Math.max(viewer.plane.count / 3, 1), 6);
    const wanted = drag.index - Math.round((sideways ? across : along) / each);
    if (wanted !== viewer.index) viewer.goTo(wanted);
  } else if (drag.does === "pinch" && down.size === 2) {
    const now = middle(down);
    viewer.move(now.left - before.left, now.top - before.top);
    const wide = spread(down);
    if (drag.spread && wide) viewer.enlarge(wide / drag.spread, now.left, now.top);
    drag.spread = wide;
  }
}

function middle(down) {
  const all = [...down.values()];
  return {
    left: all.reduce((sum, one) => sum + one.left, 0) / all.length,
    top: all.reduce((sum, one) => sum + one.top, 0) / all.length,
  };
}

function spread(down) {
  const [one, other] = [...down.values()];
  return other ? Math.hypot(one.left - other.left, one.top - other.top) : 0;
}

function listenToWheel(viewer, pane, pictureOf) {
  let turned = 0;
  pane.addEventListener("wheel", (event) => {
    if (!viewer.stack) return;
    event.preventDefault();
    if (event.ctrlKey) { // what two fingers on a touch pad send, too
      const box = pane.getBoundingClientRect();
      const notch = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? event.deltaY / 100 : event.deltaY;
      viewer.enlarge(1.25 ** -Math.max(Math.min(notch, 3), -3), event.clientX - box.left, event.clientY - box.top);
      return;
    }
    // A wheel turns by notches of about 100; a touch pad by many small steps.
    turned += event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? event.deltaY / 50 : event.deltaY;
    const slices = Math.sign(turned) * Math.min(Math.floor(Math.abs(turned)), AT_MOST);
    if (Math.abs(event.deltaY) >= 50 || event.deltaMode !== WheelEvent.DOM_DELTA_PIXEL) {
      turned = 0;
      viewer.step(Math.sign(event.deltaY), pictureOf());
    } else if (slices) {
      turned = 0;
      viewer.step(slices, pictureOf());
    }
  }, { passive: false });
}
