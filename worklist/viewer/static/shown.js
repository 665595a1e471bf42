// What is seen of the viewer: words in the corners, what lies over the pictures, buttons and windows.
// The viewer itself (viewer.js) goes through the slices.
const by = (id) => document.getElementById(id);

export class Shown {
  constructor(section, { drawing, positionMm }) {
    Object.assign(this, { section, drawing, positionMm });
    this.frame = by("viewer-frame");
    this.slider = by("viewer-index");
    this.width = by("viewer-width");
    this.level = by("viewer-level");
    this.outlines = by("viewer-outlines");
    this.heat = by("viewer-heat");
    this.possible = by("viewer-possible");
    this.newer = by("viewer-newer");
    this.windows = by("viewer-windows");
    this.planes = [...section.querySelectorAll("[data-plane]")];
    this.presets = [];
  }

  // --- words ---------------------------------------------------------------------------------------

  words(index) {
    const { facts } = this.stack;
    const { name, count } = this.plane;
    const number = this.section.dataset[`${name}Words`].replace("{number}", index + 1).replace("{count}", count);
    if (name !== "axial") return [number, this.middleMm(index)].filter(Boolean).join(", ");
    const lesion = facts.lesion_slices.includes(index) && !this.section.classList.contains("withdrawn-slices");
    const possible = !lesion && facts.possible_slices?.includes(index) && this.isOn(this.possible);
    return [
      number, facts.names[index], mm("z", facts.heights_mm[index]),
      lesion && this.section.dataset.lesionWords, possible && this.section.dataset.possibleWords,
      facts.key === index && this.section.dataset.keyWords,
    ].filter(Boolean).join(", ");
  }

  middleMm(index) {
    const position = this.positionMm(this.stack.facts, this.plane.voxelAt(index, this.plane.width / 2, this.plane.height / 2));
    const [axis, letter] = this.plane.name === "coronal" ? [1, "y"] : [0, "x"];
    return position && mm(letter, position[axis]);
  }

  say(words, kind = "trouble") {
    const said = by("viewer-trouble");
    said.textContent = words;
    said.classList.toggle("viewer-trouble", kind === "trouble");
  }

  tell(words) {
    by("viewer-said").textContent = words;
  }

  // --- drawing ---------------------------------------------------------------------------------

  // After the library drew the voxels: what lies over them, and what is said of them.
  drawn(picture) {
    this.drawOver(picture);
    const [, right, bottom, left] = picture.plane.letters;
    const letters = picture.inner.parentElement.querySelectorAll(".letter");
    [picture.plane.letters[0], right, bottom, left].forEach((letter, one) => { letters[one].textContent = letter; });
    if (picture !== this.picture) {
      const words = this.section.dataset[`${this.earlier.by}Words`];
      by("viewer-then-place").textContent = [this.earlierDay, this.sliceWords(picture), words].filter(Boolean).join("\n");
      this.frame.dataset.earlierSlice = String(picture.index);
      return;
    }
    if (picture.plane !== this.plane) return;
    by("viewer-place").textContent = this.words(picture.index).replaceAll(", ", "\n");
    const enlarged = picture.zoom > 1 ? `\n× ${picture.zoom.toFixed(1)}` : "";
    by("viewer-window").textContent = `W ${this.width.value} L ${this.level.value.replace("-", "−")}${enlarged}`;
    if (this.measure.cross && this.frame.dataset.slice !== String(picture.index)) this.measure.readCross();
    this.begun();
    this.frame.dataset.slice = String(picture.index);
  }

  // What the page showed before this script: the picture goes, and the controls work from here on.
  begun({ drawn = true } = {}) {
    if (!this.section.hasAttribute("aria-busy")) return;
    this.section.removeAttribute("aria-busy");
    this.section.querySelector(".controls").inert = false;
    by("viewer-first").remove();
    by("viewer-place").removeAttribute("aria-hidden");
    if (!drawn) for (const id of ["viewer-place", "viewer-window"]) by(id).textContent = "";
  }

  sliceWords(picture) {
    return this.section.dataset[`${picture.plane.name}Words`].replace("{number}", picture.index + 1).replace("{count}", picture.plane.count);
  }

  drawOver(picture = this.picture) {
    if (!picture?.plane || !picture.cut) return;
    const { over, scale, plane } = picture;
    [over.width, over.height] = [picture.width, picture.height].map((one) => Math.max(Math.round(one * scale), 1));
    const place = picture.transform();
    const now = picture === this.picture;
    const { heatNow } = this;
    if (now && this.isOn(this.heat) && plane.name === "axial" && heatNow?.place === picture.index) {
      this.drawing.drawHeat(over, heatNow.map, place);
    }
    if (this.isOn(this.outlines)) {
      this.drawing.drawOutlines(over, plane, picture.cut, place, { scale, withPossible: this.isOn(this.possible) });
    }
    const ends = this.measure.endsOn(picture);
    if (ends) this.drawing.drawRuler(over, ends, this.measure.lengthWords(...ends, plane), place, scale);
    const { cross } = this.measure;
    if (now && cross && plane === this.plane) this.drawing.drawCross(over, this.measure.crossPoint, place, scale);
  }

  // --- controls --------------------------------------------------------------------------------

  isOn(button) {
    return button.getAttribute("aria-pressed") === "true";
  }

  press(button, on) {
    button.setAttribute("aria-pressed", String(on));
  }

  toggle(button) {
    if (!this.stack || button.hidden || this.section.classList.contains("withdrawn-slices")) return;
    this.press(button, !this.isOn(button));
    this.offerStops();
    for (const picture of this.pictures()) this.drawOver(picture);
    this.touched = true;
    this.show(this.index);
  }

  setWindow(width, level) {
    this.width.value = String(width);
    this.level.value = String(level);
    for (const preset of this.presets) {
      this.press(preset, preset.dataset.width === this.width.value && preset.dataset.level === this.level.value);
    }
    const window = { width: Number(this.width.value), level: Number(this.level.value) };
    this.width.setAttribute("aria-valuetext", `${window.width} HU`);
    this.level.setAttribute("aria-valuetext", `${window.level} HU`);
    for (const picture of this.pictures()) picture.setWindow(window);
  }

  change(width, level) {
    if (this.stack) this.setWindow(Number(this.width.value) + width, Number(this.level.value) + level);
  }

  pictures() {
    return this.picture ? [this.picture, this.earlier.picture] : [];
  }

  // Both are enlarged and moved together.
  enlarge(factor, left, top) {
    for (const picture of this.pictures()) picture.enlarge(factor, left, top);
  }

  move(right, down) {
    for (const picture of this.pictures()) picture.move(right, down);
  }

  whole() {
    for (const picture of this.pictures()) if (picture.plane) picture.whole();
  }

  toggleRuler() {
    this.press(by("viewer-ruler"), this.measure.toggleRuler());
  }

  toggleCross() {
    this.measure.toggleCross();
    this.press(by("viewer-cross"), Boolean(this.measure.cross));
    if (this.measure.cross) this.frame.focus({ preventScroll: true });
  }

  // A browser that gives no element the whole screen (on a telephone) gives it the whole page.
  toggleFull() {
    if (document.fullscreenElement) document.exitFullscreen();
    else if (this.section.requestFullscreen) this.section.requestFullscreen();
    else this.section.classList.toggle("viewer-full");
    this.fullChanged();
  }

  fullChanged() {
    if (this.section.requestFullscreen) this.section.classList.toggle("viewer-full", document.fullscreenElement === this.section);
    this.press(by("viewer-full"), this.section.classList.contains("viewer-full"));
  }
}

const mm = (letter, value) => `${letter} ${value.toFixed(0).replace("-", "−")} mm`;
