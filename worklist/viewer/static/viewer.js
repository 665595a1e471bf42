// The slices of a result: gone through, windowed, enlarged, measured, outlined, cut in three planes,
// beside those of the earlier study. It stands outside of the live parts: what arrives while a reader
// looks at a slice never takes the slice away.
const section = document.getElementById("viewer");
const state = () => document.getElementById("slices-state");
// By the addresses that change with their content: a browser may keep them for ever.
const modules = JSON.parse(section.dataset.modules);
const [{ Stack }, { Plane, positionMm }, { begin, Picture }, drawing, { fillLegend, fillWindows }, { Earlier }, { Measure }, { listen }, { listenToPointers }] =
  await Promise.all(["stack", "planes", "picture", "drawing", "offers", "earlier", "measure", "controls", "pointer"].map((name) => import(modules[name])));
const by = (id) => document.getElementById(id);

class Viewer {
  constructor() {
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
    this.stack = null;
    this.plane = null;
    this.resultId = "";
    this.index = 0;
    this.direction = 1;
    this.touched = false; // by the reader: then a newer result waits until it is asked for
    this.measure = new Measure(this, { words: section.dataset, say: (words) => this.tell(words), readout: by("viewer-reading") });
  }

  // It is large: only a page with slices needs it, and their way is begun before.
  loadLibrary() {
    this.library ??= import(modules.cornerstone).then(begin);
    return this.library;
  }

  // When the section is seen: a picture is as large as its place.
  makePictures() {
    if (this.picture) return;
    const make = (name) => new Picture(name, {
      inner: by(`viewer-${name}-slice`), over: by(`viewer-${name}-over`), onDrawn: (picture) => this.drawn(picture),
    });
    this.picture = make("now");
    this.earlier = new Earlier(make("then"));
    for (const picture of [this.picture, this.earlier.picture]) {
      const pane = picture.inner.parentElement;
      listenToPointers(this, pane, () => picture);
      new ResizeObserver(() => picture.resize()).observe(pane);
    }
  }

  // --- which result --------------------------------------------------------------------------

  async follow() {
    const element = state();
    const resultId = element?.dataset.result || "";
    const withdrawn = element ? "withdrawn" in element.dataset : false;
    if (resultId === this.resultId) {
      this.setWithdrawn(withdrawn);
      return;
    }
    if (this.touched && this.stack) {
      this.newer.hidden = !resultId;
      return;
    }
    await this.open(resultId, withdrawn);
  }

  async open(resultId, withdrawn) {
    this.resultId = resultId;
    this.newer.hidden = true;
    const opened = resultId ? Stack.open(resultId, state()?.dataset.key) : null;
    if (opened) this.loadLibrary();
    const stack = await opened;
    if (this.resultId !== resultId) return; // another one was asked for meanwhile
    stack?.at(stack.facts.key);
    this.stack?.stop();
    this.stack = null;
    section.hidden = !stack;
    if (!stack) return;
    stack.onArrival = () => this.arrived(stack);
    this.frame.style.setProperty("--ratio", String((stack.facts.columns * stack.facts.column_mm) / (stack.facts.rows * stack.facts.row_mm)));
    this.heat.hidden = !stack.facts.heat_slices.length;
    this.possible.hidden = !stack.facts.possible_slices?.length;
    const { regions, windows } = state()?.dataset ?? {};
    fillLegend(section.querySelector(".legend"), drawing.linesOf(stack.facts), JSON.parse(regions || "{}"));
    this.presets = fillWindows(this.windows, JSON.parse(windows || "[]"));
    for (const button of this.planes) button.disabled = button.dataset.plane !== "axial" && !stack.fits;
    await this.loadLibrary();
    if (this.resultId !== resultId) return;
    this.makePictures();
    this.stack = stack;
    const [level, width] = stack.facts.window_hu || [this.presets[0].dataset.level, this.presets[0].dataset.width];
    this.closeEarlier();
    this.setPlane("axial");
    this.setWindow(width, level);
    this.setWithdrawn(withdrawn);
    this.touched = false;
    this.show(stack.facts.key);
    document.dispatchEvent(new CustomEvent("firstread:viewer"));
  }

  setWithdrawn(withdrawn) {
    if (section.classList.contains("withdrawn-slices") === withdrawn) return;
    section.classList.toggle("withdrawn-slices", withdrawn);
    if (withdrawn) {
      for (const button of [this.outlines, this.heat, this.possible]) this.press(button, false);
      this.say(section.dataset.withdrawnWords);
    } else {
      this.say("");
    }
    this.drawOver();
  }

  // --- going through ---------------------------------------------------------------------------

  setPlane(name) {
    this.plane = new Plane(name, this.stack);
    this.slider.max = String(this.plane.count);
    for (const button of this.planes) this.press(button, button.dataset.plane === name);
    this.frame.dataset.plane = name;
    this.measure.planeChanged();
    this.offerStops();
    if (this.earlier.on) this.earlier.plane = new Plane(name, this.earlier.stack);
  }

  // Another plane through the voxel in the middle of the picture.
  turn(name) {
    if (!this.stack || name === this.plane.name || (name !== "axial" && !this.stack.fits)) return;
    const { x, y } = this.picture.plane ? this.picture : { x: this.plane.width / 2, y: this.plane.height / 2 };
    const limit = (value, most) => Math.min(Math.max(value, 0), most - 1);
    const voxel = this.plane.voxelAt(this.index, limit(x, this.plane.width), limit(y, this.plane.height));
    this.setPlane(name);
    this.goTo(this.plane.pointOf(voxel).index);
  }

  async show(index) {
    if (!this.stack) return;
    const { stack, plane } = this;
    const wanted = Math.min(Math.max(index, 0), plane.count - 1);
    if (wanted !== this.index) this.direction = Math.sign(wanted - this.index);
    this.index = wanted;
    this.slider.value = String(wanted + 1);
    this.slider.setAttribute("aria-valuetext", this.words(wanted));
    this.frame.dataset.wanted = String(wanted);
    try {
      const heat = plane.name === "axial" && this.isOn(this.heat) ? stack.heatOf(wanted) : undefined;
      const [shown, now] = await Promise.all([this.picture.show(plane, wanted), heat]);
      if (!shown || this.plane !== plane || this.index !== wanted) return;
      this.heatNow = now && { place: wanted, map: now };
      if (now) this.drawOver();
      if (!section.classList.contains("withdrawn-slices")) this.say("");
    } catch {
      if (this.plane === plane && this.index === wanted) this.say(section.dataset.goneWords);
      return;
    }
    if (this.earlier.on) {
      const then = this.earlier.indexFor(plane, wanted);
      this.earlier.picture.show(this.earlier.plane, then).catch(() => {});
      this.earlier.stack.fetchAround(plane.name === "axial" ? then : 0, this.direction);
    }
    stack.fetchAround(plane.name === "axial" ? wanted : stack.facts.key, this.direction);
  }

  arrived(stack) {
    if (this.stack !== stack || this.plane?.name === "axial" || this.picture?.plane === this.plane) return;
    const { slices } = stack.facts;
    const words = stack.ready.size < slices
      ? section.dataset.loadingWords.replace("{number}", stack.ready.size).replace("{count}", slices) : "";
    this.say(words);
  }

  goTo(index) {
    this.touched = true;
    this.show(index);
  }

  step(by) {
    this.goTo(this.index + by);
  }

  // Where `n` and `b` stop: slices with lesions, and those with possible ones while these are shown;
  // in other planes the middles of the lesions that have a number.
  stops() {
    const { lesion_slices: held, possible_slices: possible = [], lesions } = this.stack.facts;
    const { name } = this.plane;
    const all = name === "axial"
      ? [...held, ...(this.isOn(this.possible) ? possible : [])]
      : lesions.map((one) => Math.floor(name === "coronal" ? one.row : one.column));
    return [...new Set(all)].sort((one, other) => one - other);
  }

  offerStops() {
    for (const id of ["viewer-previous", "viewer-next"]) by(id).disabled = !this.stops().length;
  }

  toStop(direction) {
    if (!this.stack) return;
    const stops = this.stops();
    const beyond = direction > 0
      ? stops.find((one) => one > this.index)
      : stops.findLast((one) => one < this.index);
    if (beyond !== undefined) this.goTo(beyond);
  }

  toKey() {
    if (this.stack) this.toSlice(this.stack.facts.key);
  }

  toSlice(place) {
    if (this.plane.name !== "axial") this.setPlane("axial");
    this.goTo(place);
  }

  toLesion(number) {
    const lesion = this.stack?.facts.lesions.find((one) => one.number === number);
    if (!lesion) return;
    this.toSlice(lesion.slice);
    this.frame.focus({ preventScroll: true });
    section.scrollIntoView({ block: "nearest" });
  }

  hasLesion(number) {
    return Boolean(this.stack?.facts.lesions.some((one) => one.number === number));
  }

  words(index) {
    const { facts } = this.stack;
    const { name, count } = this.plane;
    const number = section.dataset[`${name}Words`].replace("{number}", index + 1).replace("{count}", count);
    if (name !== "axial") return [number, this.middleMm(index)].filter(Boolean).join(", ");
    const lesion = facts.lesion_slices.includes(index) && !section.classList.contains("withdrawn-slices");
    const possible = !lesion && facts.possible_slices?.includes(index) && this.isOn(this.possible);
    return [
      number, facts.names[index], mm("z", facts.heights_mm[index]),
      lesion && section.dataset.lesionWords, possible && section.dataset.possibleWords,
      facts.key === index && section.dataset.keyWords,
    ].filter(Boolean).join(", ");
  }

  middleMm(index) {
    const position = positionMm(this.stack.facts, this.plane.voxelAt(index, this.plane.width / 2, this.plane.height / 2));
    const [axis, letter] = this.plane.name === "coronal" ? [1, "y"] : [0, "x"];
    return position && mm(letter, position[axis]);
  }

  say(words) {
    by("viewer-trouble").textContent = words;
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
      const words = section.dataset[`${this.earlier.by}Words`];
      by("viewer-then-place").textContent = [state()?.dataset.earlierDay, this.sliceWords(picture), words].filter(Boolean).join("\n");
      this.frame.dataset.earlierSlice = String(picture.index);
      return;
    }
    if (picture.plane !== this.plane) return;
    by("viewer-place").textContent = this.words(picture.index).replaceAll(", ", "\n");
    const enlarged = picture.zoom > 1 ? `\n× ${picture.zoom.toFixed(1)}` : "";
    by("viewer-window").textContent = `W ${this.width.value} L ${this.level.value.replace("-", "−")}${enlarged}`;
    if (this.measure.cross && this.frame.dataset.slice !== String(picture.index)) this.measure.readCross();
    if (!("slice" in this.frame.dataset)) performance.mark("firstread:first-picture"); // for benchmarks
    this.frame.dataset.slice = String(picture.index);
  }

  sliceWords(picture) {
    return section.dataset[`${picture.plane.name}Words`].replace("{number}", picture.index + 1).replace("{count}", picture.plane.count);
  }

  drawOver(picture = this.picture) {
    if (!picture?.plane || !picture.cut) return;
    const { over, scale, plane } = picture;
    [over.width, over.height] = [picture.width, picture.height].map((one) => Math.max(Math.round(one * scale), 1));
    const place = picture.transform();
    const now = picture === this.picture;
    const { heatNow } = this;
    if (now && this.isOn(this.heat) && plane.name === "axial" && heatNow?.place === picture.index) {
      drawing.drawHeat(over, heatNow.map, place);
    }
    if (this.isOn(this.outlines)) {
      drawing.drawOutlines(over, plane, picture.cut, place, { scale, withPossible: this.isOn(this.possible) });
    }
    const ends = this.measure.endsOn(picture);
    if (ends) drawing.drawRuler(over, ends, this.measure.lengthWords(...ends, plane), place, scale);
    const { cross } = this.measure;
    if (now && cross && plane === this.plane) drawing.drawCross(over, this.measure.crossPoint, place, scale);
  }

  // --- controls --------------------------------------------------------------------------------

  isOn(button) {
    return button.getAttribute("aria-pressed") === "true";
  }

  press(button, on) {
    button.setAttribute("aria-pressed", String(on));
  }

  toggle(button) {
    if (!this.stack || button.hidden) return;
    this.press(button, !this.isOn(button));
    this.offerStops();
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
    else if (section.requestFullscreen) section.requestFullscreen();
    else section.classList.toggle("viewer-full");
    this.fullChanged();
  }

  fullChanged() {
    if (section.requestFullscreen) section.classList.toggle("viewer-full", document.fullscreenElement === section);
    this.press(by("viewer-full"), section.classList.contains("viewer-full"));
  }

  // --- the earlier study -------------------------------------------------------------------------

  closeEarlier() {
    this.earlier.on = false;
    this.earlier.stack?.stop();
    this.placeEarlier();
  }

  placeEarlier() {
    const { on } = this.earlier;
    by("viewer-earlier").hidden = !state()?.dataset.earlier;
    this.press(by("viewer-earlier"), on);
    for (const id of ["viewer-then", "viewer-earlier-up", "viewer-earlier-down"]) by(id).hidden = !on;
  }

  async toggleEarlier() {
    const { stack } = this;
    const resultId = state()?.dataset.earlier;
    if (!stack || !resultId) return;
    if (this.earlier.on) {
      this.closeEarlier();
    } else if (!(await this.earlier.open(Stack, resultId)) || this.stack !== stack) {
      this.say(section.dataset.goneWords);
      return;
    } else {
      this.earlier.on = true;
      this.earlier.plane = new Plane(this.plane.name, this.earlier.stack);
      this.placeEarlier();
    }
    for (const picture of this.pictures()) picture.resize();
    this.earlier.picture.setWindow(this.picture.window);
    this.goTo(this.index);
  }

  stepEarlier(by) {
    if (!this.earlier?.on) return;
    this.earlier.own += by;
    this.goTo(this.index);
  }

  renew() {
    const element = state();
    this.open(element?.dataset.result || "", "withdrawn" in (element?.dataset || {}));
  }
}

const mm = (letter, value) => `${letter} ${value.toFixed(0).replace("-", "−")} mm`;

{
  const viewer = new Viewer();
  listen(viewer);
  viewer.follow();
  new MutationObserver(() => viewer.follow()).observe(document.querySelector(".side"), { childList: true });
  const offer = () => {
    for (const button of document.querySelectorAll("button.go-to")) {
      button.hidden = !viewer.hasLesion(Number(button.dataset.lesion));
    }
  };
  document.addEventListener("firstread:viewer", offer);
  new MutationObserver(offer).observe(document.querySelector(".sections"), { childList: true });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button.go-to");
    if (button) viewer.toLesion(Number(button.dataset.lesion));
  });
}
