// The slices of a result: scrolled through, windowed, outlined. It stands outside of the live parts:
// what arrives while a reader looks at a slice never takes the slice away.
const section = document.getElementById("viewer");
const state = () => document.getElementById("slices-state");
// By the addresses that change with their content: a browser may keep them for ever.
const { Stack } = await import(section.dataset.stackModule);
const { drawHeat, drawOutlines, drawVoxels, linesOf } = await import(section.dataset.drawingModule);
const { listen } = await import(section.dataset.controlsModule);

const AHEAD = 5; // slices fetched in the direction that is scrolled in
const BEHIND = 2;

class Viewer {
  constructor() {
    const by = (id) => document.getElementById(id);
    this.frame = by("viewer-frame");
    this.canvas = by("viewer-slice");
    this.over = by("viewer-over");
    this.index = by("viewer-index");
    this.width = by("viewer-width");
    this.level = by("viewer-level");
    this.outlines = by("viewer-outlines");
    this.heat = by("viewer-heat");
    this.possible = by("viewer-possible");
    this.newer = by("viewer-newer");
    this.legend = section.querySelector(".legend");
    this.windows = by("viewer-windows");
    this.presets = [];
    this.stack = null;
    this.resultId = "";
    this.place = 0;
    this.drawn = null;
    this.direction = 1;
    this.touched = false; // by the reader: then a newer result waits until it is asked for
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
    const stack = resultId ? await Stack.open(resultId) : null;
    if (this.resultId !== resultId) return; // another one was asked for meanwhile
    this.stack = stack;
    section.hidden = !stack;
    if (!stack) return;
    const { slices, rows, columns, row_mm: rowMm, column_mm: columnMm, key } = stack.facts;
    this.canvas.width = columns;
    this.canvas.height = rows;
    this.frame.style.setProperty("--ratio", String((columns * columnMm) / (rows * rowMm)));
    this.index.max = String(slices);
    this.heat.hidden = !stack.facts.heat_slices.length;
    this.possible.hidden = !stack.facts.possible_slices?.length;
    this.offerSteps();
    this.fillLegend();
    this.fillWindows();
    const [level, width] = stack.facts.window_hu || [this.presets[0].dataset.level, this.presets[0].dataset.width];
    this.setWindow(width, level);
    this.setWithdrawn(withdrawn);
    this.touched = false;
    this.drawn = null;
    this.show(key);
    document.dispatchEvent(new CustomEvent("firstread:viewer"));
  }

  // What is stepped through: slices with lesions, and those with possible ones while these are shown.
  lesionPlaces() {
    const { lesion_slices: lesions, possible_slices: possible = [] } = this.stack.facts;
    if (!this.isOn(this.possible)) return lesions;
    return [...new Set([...lesions, ...possible])].sort((one, other) => one - other);
  }

  offerSteps() {
    for (const id of ["viewer-previous", "viewer-next"]) {
      document.getElementById(id).disabled = !this.lesionPlaces().length;
    }
  }

  fillLegend() {
    const words = JSON.parse(state()?.dataset.regions || "{}");
    this.legend.replaceChildren(...linesOf(this.stack.facts).map((line) => {
      const item = document.createElement("li");
      const style = !line.dash.length ? "solid" : line.dash[0] < 4 ? "dotted" : "dashed";
      item.style.setProperty("--line", `2px ${style} ${line.colour}`);
      item.textContent = line.names.map((name) => words[name] || name).join(", ");
      return item;
    }));
  }

  // The window that the bundle declares, then those that fit any body; keys press them in this order.
  fillWindows() {
    for (const button of this.windows.querySelectorAll("[data-declared]")) button.remove();
    const known = [...this.windows.children];
    const declared = JSON.parse(state()?.dataset.windows || "[]").map((one, place) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = one.title;
      Object.assign(button.dataset, {
        preset: `declared-${place}`, declared: "", level: String(one.centre_hu), width: String(one.width_hu),
      });
      return button;
    }).filter((one) => !known.some((other) =>
      other.dataset.level === one.dataset.level && other.dataset.width === one.dataset.width));
    this.windows.prepend(...declared);
    this.presets = [...this.windows.children];
    this.presets.forEach((one, place) => { one.title = String(place + 1); });
  }

  setWithdrawn(withdrawn) {
    if (section.classList.contains("withdrawn-slices") === withdrawn) return;
    section.classList.toggle("withdrawn-slices", withdrawn);
    if (withdrawn) {
      this.press(this.outlines, false);
      this.press(this.heat, false);
      this.press(this.possible, false);
      this.say(section.dataset.withdrawnWords);
    } else {
      this.say("");
    }
    this.draw();
  }

  // --- going through ---------------------------------------------------------------------------

  async show(place) {
    if (!this.stack) return;
    const stack = this.stack;
    const wanted = Math.min(Math.max(place, 0), stack.facts.slices - 1);
    if (wanted !== this.place) this.direction = Math.sign(wanted - this.place);
    this.place = wanted;
    this.index.value = String(wanted + 1);
    this.index.setAttribute("aria-valuetext", this.words(wanted));
    this.frame.dataset.wanted = String(wanted);
    try {
      const slice = await stack.at(wanted);
      if (this.stack !== stack || this.place !== wanted) return;
      const heat = this.isOn(this.heat) ? await stack.heatOf(wanted) : undefined;
      if (this.stack !== stack || this.place !== wanted) return;
      this.drawn = { place: wanted, slice, heat };
      if (!section.classList.contains("withdrawn-slices")) this.say("");
      this.draw();
    } catch {
      if (this.place === wanted) this.say(section.dataset.goneWords);
      return;
    }
    const ahead = Array.from({ length: AHEAD }, (_, one) => wanted + this.direction * (one + 1));
    const behind = Array.from({ length: BEHIND }, (_, one) => wanted - this.direction * (one + 1));
    stack.fetchSoon([...ahead, ...behind]);
  }

  goTo(place) {
    this.touched = true;
    this.show(place);
  }

  step(by) {
    this.goTo(this.place + by);
  }

  toLesionSlice(direction) {
    if (!this.stack) return;
    this.touched = true;
    const places = this.lesionPlaces();
    const beyond = direction > 0
      ? places.find((one) => one > this.place)
      : places.findLast((one) => one < this.place);
    if (beyond !== undefined) this.show(beyond);
  }

  toKey() {
    if (!this.stack) return;
    this.touched = true;
    this.show(this.stack.facts.key);
  }

  toLesion(number) {
    const lesion = this.stack?.facts.lesions.find((one) => one.number === number);
    if (!lesion) return;
    this.touched = true;
    this.show(lesion.slice);
    this.frame.focus({ preventScroll: true });
    section.scrollIntoView({ block: "nearest" });
  }

  hasLesion(number) {
    return Boolean(this.stack?.facts.lesions.some((one) => one.number === number));
  }

  words(place) {
    const { facts } = this.stack;
    const parts = [
      section.dataset.sliceWords.replace("{number}", place + 1).replace("{count}", facts.slices),
      facts.names[place],
      `z ${facts.heights_mm[place].toFixed(0).replace("-", "−")} mm`,
    ];
    if (facts.lesion_slices.includes(place) && !section.classList.contains("withdrawn-slices")) {
      parts.push(section.dataset.lesionWords);
    } else if (facts.possible_slices?.includes(place) && this.isOn(this.possible)) {
      parts.push(section.dataset.possibleWords);
    }
    if (facts.key === place) parts.push(section.dataset.keyWords);
    return parts.filter(Boolean).join(", ");
  }

  say(words) {
    document.getElementById("viewer-trouble").textContent = words;
  }

  // --- drawing ---------------------------------------------------------------------------------

  draw() {
    if (!this.drawn) return;
    const { place } = this.drawn;
    this.drawOver();
    document.getElementById("viewer-place").textContent = this.words(place).replaceAll(", ", "\n");
    const [width, level] = [Number(this.width.value), Number(this.level.value)];
    drawVoxels(this.canvas, this.stack.facts, this.drawn.slice.steps, { width, level });
    document.getElementById("viewer-window").textContent = `W ${width} L ${String(level).replace("-", "−")}`;
    this.width.setAttribute("aria-valuetext", `${width} HU`);
    this.level.setAttribute("aria-valuetext", `${level} HU`);
    this.frame.dataset.slice = String(place);
  }

  drawOver() {
    const scale = window.devicePixelRatio || 1;
    const box = this.frame.getBoundingClientRect();
    this.over.width = Math.max(Math.round(box.width * scale), 1);
    this.over.height = Math.max(Math.round(box.height * scale), 1);
    const { facts } = this.stack;
    if (this.isOn(this.heat) && this.drawn.heat) drawHeat(this.over, facts, this.drawn.heat);
    if (!this.isOn(this.outlines)) return;
    drawOutlines(this.over, facts, this.drawn.slice, { scale, withPossible: this.isOn(this.possible) });
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
    this.offerSteps();
    this.touched = true;
    this.show(this.place);
  }

  setWindow(width, level) {
    this.width.value = String(width);
    this.level.value = String(level);
    for (const preset of this.presets) {
      const same = preset.dataset.width === this.width.value && preset.dataset.level === this.level.value;
      this.press(preset, same);
    }
    this.draw();
  }

  change(width, level) {
    if (!this.stack) return;
    this.setWindow(Number(this.width.value) + width, Number(this.level.value) + level);
  }

  renew() {
    const element = state();
    this.open(element?.dataset.result || "", "withdrawn" in (element?.dataset || {}));
  }
}

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
