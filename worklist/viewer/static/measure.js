// What is measured on a picture: HU under a point, and a length between two. Read by the mouse, a
// finger, or a cross that the arrow keys move; said in words as well as drawn.
const REST_MS = 700; // a pointer that rests this long asks for words

const signed = (value) => String(value).replace("-", "−");

export class Measure {
  constructor(viewer, { words, say, readout }) {
    Object.assign(this, { viewer, words, say, readout });
    this.cross = null; // { x, y } in pixels of the picture, while the keys measure
    this.ruling = false; // whether a drag draws a ruler
    this.ruler = null; // { resultId, plane, index, from, end, done }
    this.timer = 0;
  }

  // --- HU ----------------------------------------------------------------------------------------

  textAt({ plane, index }, [x, y]) {
    const value = plane?.stack.hounsfield(plane.voxelAt(index, x, y));
    return value === undefined ? "" : `${signed(value)} HU`;
  }

  // Under a mouse: shown at once, said when it rests.
  hover(picture, point) {
    this.readout.textContent = this.textAt(picture, point);
    clearTimeout(this.timer);
    if (this.readout.textContent) this.timer = setTimeout(() => this.say(this.readout.textContent), REST_MS);
  }

  leave() {
    clearTimeout(this.timer);
    if (this.cross) this.readout.textContent = this.textAt(this.viewer, this.crossPoint);
    else this.readout.textContent = "";
  }

  // Under a finger, a click or the cross: shown and said.
  read(where, point) {
    clearTimeout(this.timer);
    const length = this.isOpen(where) ? `, ${this.lengthWords(this.ruler.from, point, where.plane)}` : "";
    this.readout.textContent = `${this.textAt(where, point)}${length}`;
    this.say(this.readout.textContent);
  }

  // --- the cross of the keys ------------------------------------------------------------------------

  get crossPoint() {
    return [this.cross.x, this.cross.y];
  }

  toggleCross() {
    const { picture, plane } = this.viewer;
    // In the middle of what is seen; of a picture that is still on its way, in its own middle.
    const { x, y } = picture.plane === plane ? picture : { x: plane.width / 2, y: plane.height / 2 };
    this.cross = this.cross ? null : { x, y };
    if (this.cross) this.readCross();
    else this.leave();
    this.viewer.drawOver();
  }

  moveCross(right, down) {
    const { plane } = this.viewer;
    this.cross.x = Math.min(Math.max(this.cross.x + right, 0), plane.width - 0.01);
    this.cross.y = Math.min(Math.max(this.cross.y + down, 0), plane.height - 0.01);
    if (this.isOpen(this.viewer)) this.ruler.end = this.crossPoint;
    this.readCross();
    this.viewer.drawOver();
  }

  readCross() {
    if (this.cross) this.read(this.viewer, this.crossPoint);
  }

  // Another plane has other pixels: the cross goes to its middle.
  planeChanged() {
    const { width, height } = this.viewer.plane;
    this.ruler = null;
    if (this.cross) this.cross = { x: width / 2, y: height / 2 };
  }

  // --- the ruler ------------------------------------------------------------------------------------
  // Where it lies is named by what has a plane and an index: the viewer, or a picture.

  toggleRuler() {
    this.ruling = !this.ruling;
    if (!this.ruling) this.ruler = null;
    this.viewer.drawOver();
    return this.ruling;
  }

  begin({ plane, index }, point) {
    this.ruler = { resultId: plane.stack.resultId, plane: plane.name, index, from: point, end: point, done: false };
  }

  stretch(where, point, { done = false } = {}) {
    if (!this.isOpen(where)) return;
    Object.assign(this.ruler, { end: point, done });
    this.readout.textContent = this.lengthWords(this.ruler.from, point, where.plane);
    if (done) this.say(this.readout.textContent);
    this.viewer.drawOver();
  }

  // By the keys: the first time where it begins, the second time where it ends.
  mark() {
    if (!this.cross) {
      this.viewer.toggleCross();
    } else if (this.isOpen(this.viewer)) {
      this.stretch(this.viewer, this.crossPoint, { done: true });
    } else {
      this.begin(this.viewer, this.crossPoint);
      this.say(this.words.beganWords);
      this.viewer.drawOver();
    }
  }

  isOn({ plane, index }) {
    return Boolean(plane) && this.ruler?.resultId === plane.stack.resultId
      && this.ruler.plane === plane.name && this.ruler.index === index;
  }

  isOpen(where) {
    return this.isOn(where) && !this.ruler.done;
  }

  // The two ends of the ruler on a picture; none where it lies on another one.
  endsOn(picture) {
    return this.isOn(picture) ? [this.ruler.from, this.ruler.end] : null;
  }

  lengthWords([x, y], [nextX, nextY], plane) {
    const length = Math.hypot((nextX - x) * plane.columnMm, (nextY - y) * plane.rowMm);
    return `${length.toFixed(1)} mm`;
  }
}
