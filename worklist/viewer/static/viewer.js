// The slices of a result: gone through, windowed, enlarged, measured, outlined, cut in three planes,
// beside those of the earlier study. It stands outside of the live parts: what arrives while a reader
// looks at a slice never takes the slice away.
const section = document.getElementById("viewer");
const state = () => document.getElementById("slices-state");
// By the addresses that change with their content: a browser may keep them for ever.
const modules = JSON.parse(section.dataset.modules);
const load = (...names) => Promise.all(names.map((name) => import(modules[name])));
const [{ Shown }, { Stack }, { Plane, positionMm }, { begin, Picture }, drawing] = await load("shown", "stack", "planes", "picture", "drawing");
const [{ fillLegend, fillWindows }, { Earlier }, { Measure }, { listen }, { listenToPointers }] = await load("offers", "earlier", "measure", "controls", "pointer");
const by = (id) => document.getElementById(id);

class Viewer extends Shown {
  constructor() {
    super(section, { drawing, positionMm });
    this.stack = null;
    this.plane = null;
    this.resultId = null; // none was looked for yet
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
      if (this.stack) this.placeEarlier();
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
    if (by("viewer-first")?.dataset.result !== resultId) this.begun({ drawn: false }); // it shows another one
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
    fillLegend(section.querySelector(".legend"), drawing.linesOf(stack.facts), { ...stack.facts.words, ...JSON.parse(regions || "{}") });
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
    this.say(words, "quiet");
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

  // --- the earlier study -------------------------------------------------------------------------

  closeEarlier() {
    this.earlier.on = false;
    this.earlier.stack?.stop();
    this.placeEarlier();
  }

  // The earlier result may have been withdrawn, or its slices removed, meanwhile.
  placeEarlier() {
    this.earlier.on &&= state()?.dataset.earlier === this.earlier.stack.resultId;
    const { on } = this.earlier;
    this.earlierDay = state()?.dataset.earlierDay;
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

// What the page shows of the viewer comes to the screen before the viewer asks for the processor.
async function firstIsSeen() {
  const image = by("viewer-first")?.querySelector("image");
  if (!image || document.hidden) return;
  const told = PerformanceObserver.supportedEntryTypes?.includes("element");
  const drawn = new Promise((resolve) => {
    if (told) new PerformanceObserver(resolve).observe({ type: "element", buffered: true });
    else requestAnimationFrame(() => setTimeout(resolve));
  });
  await Promise.race([drawn, new Promise((resolve) => setTimeout(resolve, 600))]); // it may never come
}

{
  const viewer = new Viewer();
  listen(viewer);
  await firstIsSeen();
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
