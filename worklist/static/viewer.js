// The slices of a result: scrolled through, windowed, outlined. It stands outside of the live parts:
// what arrives while a reader looks at a slice never takes the slice away.
const section = document.getElementById("viewer");
const state = () => document.getElementById("slices-state");

const KEPT = 60; // slices in memory: about 50 MB of 512 x 512
const AHEAD = 5; // slices fetched in the direction that is scrolled in
const BEHIND = 2;
const MOST_REQUESTS = 4; // a browser has six connections to a server; live updates keep one
const LABELS = { RIGHT_LUNG: 1, LEFT_LUNG: 2, GROUND_GLASS: 3, CONSOLIDATION: 4 };
const LINES = [ // as on the key picture: colour and pattern both differ
  { labels: Object.values(LABELS), colour: "#009e73", width: 1.2, dash: [2, 4] }, // lesions are lung
  { labels: [LABELS.GROUND_GLASS], colour: "#56b4e9", width: 1.8, dash: [7, 4] },
  { labels: [LABELS.CONSOLIDATION], colour: "#e69f00", width: 2, dash: [] },
];
const VIRIDIS = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]];
const MOST_OPAQUE = 0.6;

class Stack {
  constructor(resultId, facts) {
    this.address = `/results/${resultId}/slices`;
    this.facts = facts;
    this.slices = new Map(); // place to a promise of what is drawn
    this.waiting = []; // places that are to be fetched in advance
    this.running = 0;
    this.heat = null;
  }

  static async open(resultId) {
    const answer = await fetch(`/results/${resultId}/slices`, { credentials: "same-origin" });
    return answer.ok ? new Stack(resultId, await answer.json()) : null;
  }

  at(place) {
    let slice = this.slices.get(place);
    if (!slice) {
      this.running += 1;
      slice = this.fetch(place).finally(() => {
        this.running -= 1;
        this.goOn();
      });
      slice.catch(() => this.slices.delete(place));
    } else {
      this.slices.delete(place); // to the end of the map: used last
    }
    this.slices.set(place, slice);
    for (const oldest of this.slices.keys()) {
      if (this.slices.size <= KEPT) break;
      this.slices.delete(oldest);
    }
    return slice;
  }

  async fetch(place) {
    const [voxels, labels] = await Promise.all(
      ["voxels", "labels"].map(async (what) => {
        const answer = await fetch(`${this.address}/${place}/${what}`, { credentials: "same-origin" });
        if (!answer.ok) throw new Error(`slice ${place}: ${answer.status}`);
        return new Uint8Array(await answer.arrayBuffer());
      }),
    );
    const size = this.facts.rows * this.facts.columns;
    if (voxels.length !== 2 * size || labels.length !== size) throw new Error(`slice ${place}: size`);
    return { steps: unpacked(voxels, this.facts.rows, this.facts.columns), labels };
  }

  fetchSoon(places) {
    this.waiting = places.filter((one) => one >= 0 && one < this.facts.slices && !this.slices.has(one));
    this.goOn();
  }

  goOn() {
    while (this.waiting.length && this.running < MOST_REQUESTS / 2) this.at(this.waiting.shift());
  }

  async heatOf(place) {
    if (!this.heat) {
      this.heat = fetch(`${this.address}/heat`, { credentials: "same-origin" })
        .then((answer) => (answer.ok ? answer.json() : {}));
    }
    return (await this.heat)[place];
  }
}

// radiology/slice_stack.py: differences to the neighbour, low bytes before high ones.
function unpacked(planes, rows, columns) {
  const size = rows * columns;
  const steps = new Uint16Array(size);
  let index = 0;
  for (let row = 0; row < rows; row += 1) {
    let value = row ? steps[index - columns] : 0;
    for (let column = 0; column < columns; column += 1, index += 1) {
      value = (value + planes[index] + (planes[size + index] << 8)) & 0xffff;
      steps[index] = value;
    }
  }
  return steps;
}

// Closed outlines of the pixels that `inside` tells of, through their corners, clockwise.
function outlinesOf(labels, rows, columns, inside) {
  const onward = new Map();
  const wide = columns + 1;
  const is = (row, column) =>
    row >= 0 && row < rows && column >= 0 && column < columns && inside[labels[row * columns + column]];
  const add = (from, to) => {
    const there = onward.get(from);
    if (there) there.push(to);
    else onward.set(from, [to]);
  };
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      if (!inside[labels[row * columns + column]]) continue;
      const corner = row * wide + column;
      if (!is(row - 1, column)) add(corner, corner + 1);
      if (!is(row, column + 1)) add(corner + 1, corner + wide + 1);
      if (!is(row + 1, column)) add(corner + wide + 1, corner + wide);
      if (!is(row, column - 1)) add(corner + wide, corner);
    }
  }
  const found = [];
  for (const [first] of onward) {
    while (onward.has(first)) {
      const outline = [];
      let corner = first;
      do {
        outline.push([corner % wide, Math.floor(corner / wide)]);
        const next = onward.get(corner);
        const to = next.pop();
        if (!next.length) onward.delete(corner);
        corner = to;
      } while (corner !== first);
      found.push(outline);
    }
  }
  return found;
}

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
    this.newer = by("viewer-newer");
    this.presets = [...section.querySelectorAll("[data-preset]")];
    this.stack = null;
    this.resultId = "";
    this.place = 0;
    this.drawn = null;
    this.direction = 1;
    this.touched = false; // by the reader: then a newer result waits until it is asked for
    this.listen();
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
    for (const id of ["viewer-previous", "viewer-next"]) {
      document.getElementById(id).disabled = !stack.facts.lesion_slices.length;
    }
    this.setWithdrawn(withdrawn);
    this.touched = false;
    this.drawn = null;
    this.show(key);
    document.dispatchEvent(new CustomEvent("firstread:viewer"));
  }

  setWithdrawn(withdrawn) {
    if (section.classList.contains("withdrawn-slices") === withdrawn) return;
    section.classList.toggle("withdrawn-slices", withdrawn);
    if (withdrawn) {
      this.press(this.outlines, false);
      this.press(this.heat, false);
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

  step(by) {
    this.touched = true;
    this.show(this.place + by);
  }

  toLesionSlice(direction) {
    if (!this.stack) return;
    this.touched = true;
    const places = this.stack.facts.lesion_slices;
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
    this.drawVoxels();
    this.drawOver();
    document.getElementById("viewer-place").textContent = this.words(place).replaceAll(", ", "\n");
    const [width, level] = [Number(this.width.value), Number(this.level.value)];
    document.getElementById("viewer-window").textContent = `W ${width} L ${String(level).replace("-", "−")}`;
    this.width.setAttribute("aria-valuetext", `${width} HU`);
    this.level.setAttribute("aria-valuetext", `${level} HU`);
    this.frame.dataset.slice = String(place);
  }

  drawVoxels() {
    const { lowest_hu: lowest, step_hu: step, highest_hu: highest } = this.stack.facts;
    const [width, level] = [Number(this.width.value), Number(this.level.value)];
    const grey = new Uint8ClampedArray(Math.ceil((highest - lowest) / step) + 2);
    for (let one = 0; one < grey.length; one += 1) {
      grey[one] = ((lowest + one * step - (level - width / 2)) * 255) / width;
    }
    const picture = new ImageData(this.canvas.width, this.canvas.height);
    const pixels = new Uint32Array(picture.data.buffer);
    const { steps } = this.drawn.slice;
    const little = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;
    for (let one = 0; one < steps.length; one += 1) {
      const value = grey[steps[one]];
      pixels[one] = little
        ? (0xff000000 | (value << 16) | (value << 8) | value)
        : ((value << 24) | (value << 16) | (value << 8) | 0xff);
    }
    this.canvas.getContext("2d").putImageData(picture, 0, 0);
  }

  drawOver() {
    const scale = window.devicePixelRatio || 1;
    const box = this.frame.getBoundingClientRect();
    this.over.width = Math.max(Math.round(box.width * scale), 1);
    this.over.height = Math.max(Math.round(box.height * scale), 1);
    const pen = this.over.getContext("2d");
    if (this.isOn(this.heat) && this.drawn.heat) this.drawHeat(pen, this.drawn.heat);
    if (this.isOn(this.outlines)) this.drawOutlines(pen, scale);
  }

  drawHeat(pen, heat) {
    const rows = heat.levels.length;
    const columns = heat.levels[0]?.length || 0;
    if (!rows || !columns) return;
    const small = new OffscreenCanvas(columns, rows);
    const picture = new ImageData(columns, rows);
    heat.levels.flat().forEach((level, one) => {
      const share = level / 255;
      const at = Math.min(share * (VIRIDIS.length - 1), VIRIDIS.length - 1.0001);
      const [low, high, rest] = [VIRIDIS[Math.floor(at)], VIRIDIS[Math.floor(at) + 1], at % 1];
      const colour = low.map((value, channel) => value + (high[channel] - value) * rest);
      picture.data.set([...colour, 255 * MOST_OPAQUE * share], one * 4);
    });
    small.getContext("2d").putImageData(picture, 0, 0);
    const [top, left, height, width] = heat.box;
    const across = this.over.width / this.canvas.width;
    const down = this.over.height / this.canvas.height;
    pen.imageSmoothingEnabled = true;
    pen.drawImage(small, left * across, top * down, width * across, height * down);
  }

  drawOutlines(pen, scale) {
    const { columns, rows } = this.stack.facts;
    const across = this.over.width / columns;
    const down = this.over.height / rows;
    const slice = this.drawn.slice;
    slice.outlines ??= LINES.map((line) => {
      const inside = new Uint8Array(256);
      for (const label of line.labels) inside[label] = 1;
      return outlinesOf(slice.labels, rows, columns, inside);
    });
    LINES.forEach((line, place) => {
      pen.beginPath();
      for (const outline of slice.outlines[place]) {
        outline.forEach(([column, row], one) => {
          // Through the middles of pixel edges, an oblique edge is a line and not a staircase.
          const [next, below] = outline[(one + 1) % outline.length];
          const [x, y] = [((column + next) / 2) * across, ((row + below) / 2) * down];
          if (one) pen.lineTo(x, y);
          else pen.moveTo(x, y);
        });
        pen.closePath();
      }
      pen.strokeStyle = line.colour;
      pen.lineWidth = line.width * scale;
      pen.setLineDash(line.dash.map((one) => one * scale));
      pen.stroke();
    });
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

  listen() {
    const on = (id, act) => document.getElementById(id).addEventListener("click", act);
    on("viewer-previous", () => this.toLesionSlice(-1));
    on("viewer-next", () => this.toLesionSlice(1));
    on("viewer-key", () => this.toKey());
    on("viewer-outlines", () => this.toggle(this.outlines));
    on("viewer-heat", () => this.toggle(this.heat));
    on("viewer-renew", () => {
      const element = state();
      this.open(element?.dataset.result || "", "withdrawn" in (element?.dataset || {}));
    });
    this.index.addEventListener("input", () => {
      this.touched = true;
      this.show(Number(this.index.value) - 1);
    });
    for (const slider of [this.width, this.level]) {
      slider.addEventListener("input", () => this.setWindow(this.width.value, this.level.value));
    }
    for (const preset of this.presets) {
      preset.addEventListener("click", () => this.setWindow(preset.dataset.width, preset.dataset.level));
    }
    this.listenToWheel();
    this.listenToTouch();
    document.addEventListener("keydown", (event) => this.onKey(event));
    new ResizeObserver(() => this.draw()).observe(this.frame);
  }

  listenToWheel() {
    let turned = 0;
    this.frame.addEventListener("wheel", (event) => {
      if (!this.stack || event.ctrlKey) return; // that one enlarges the page
      event.preventDefault();
      // A wheel turns by notches of about 100; a touch pad by many small steps.
      turned += event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? event.deltaY / 50 : event.deltaY;
      const slices = Math.sign(turned) * Math.min(Math.floor(Math.abs(turned)), 3);
      if (Math.abs(event.deltaY) >= 50 || event.deltaMode !== WheelEvent.DOM_DELTA_PIXEL) {
        turned = 0;
        this.step(Math.sign(event.deltaY));
      } else if (slices) {
        turned = 0;
        this.step(slices);
      }
    }, { passive: false });
  }

  // Sideways, so that a finger on the picture can still scroll the page (touch-action: pan-y).
  listenToTouch() {
    let from = null;
    this.frame.addEventListener("pointerdown", (event) => {
      if (event.pointerType !== "mouse" && event.isPrimary) from = { x: event.clientX, place: this.place };
    });
    this.frame.addEventListener("pointermove", (event) => {
      if (!from || event.pointerType === "mouse" || !this.stack) return;
      const across = this.frame.getBoundingClientRect().width;
      // The width of the picture is a third of the stack, and a slice never less than 6 pixels.
      const each = Math.max(across / Math.max(this.stack.facts.slices / 3, 1), 6);
      const wanted = from.place - Math.round((event.clientX - from.x) / each);
      if (wanted !== this.place) {
        this.touched = true;
        this.show(wanted);
      }
    });
    for (const ending of ["pointerup", "pointercancel"]) {
      this.frame.addEventListener(ending, () => { from = null; });
    }
  }

  onKey(event) {
    if (!this.stack || event.ctrlKey || event.altKey || event.metaKey || document.querySelector("dialog[open]")) return;
    if (event.target.closest("input:not([type=range]), select, textarea")) return;
    const inFrame = event.target === this.frame;
    const act = (inFrame && this.frameKeys()[event.key]) || this.pageKeys()[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  frameKeys() {
    const last = this.stack.facts.slices - 1;
    return {
      ArrowDown: () => this.step(1), ArrowRight: () => this.step(1),
      ArrowUp: () => this.step(-1), ArrowLeft: () => this.step(-1),
      PageDown: () => this.step(10), PageUp: () => this.step(-10),
      Home: () => this.step(-this.place), End: () => this.step(last - this.place),
    };
  }

  pageKeys() {
    const press = (place) => () => this.presets[place].click();
    return {
      n: () => this.toLesionSlice(1), b: () => this.toLesionSlice(-1), k: () => this.toKey(),
      1: press(0), 2: press(1), 3: press(2),
      "+": () => this.change(100, 0), "-": () => this.change(-100, 0),
      ".": () => this.change(0, 50), ",": () => this.change(0, -50),
      o: () => this.toggle(this.outlines), h: () => this.toggle(this.heat),
      v: () => this.frame.focus(),
    };
  }
}

if (section) {
  const viewer = new Viewer();
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
