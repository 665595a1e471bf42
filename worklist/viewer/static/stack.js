// The slices of one result: fetched one by one, unpacked and kept, from one slice outwards.
const MOST_BYTES = 640e6; // in memory: 800 slices of 512 x 512
const MOST_REQUESTS = 4; // a browser has six connections to a server; live updates keep one

export class Stack {
  constructor(resultId, facts) {
    this.resultId = resultId;
    this.facts = facts;
    this.slices = new Map(); // place to a promise of a slice; the one used last is the last
    this.ready = new Map(); // place to a slice that is here
    this.waiting = []; // places that are to be fetched in advance
    this.running = 0;
    this.heat = null;
    this.onArrival = () => {};
    this.most = Math.max(Math.floor(MOST_BYTES / (3 * facts.rows * facts.columns)), 16);
  }

  // With the slice that is shown first, where that is known: it is fetched beside the index.
  static async open(resultId, first) {
    const answers = fetch(`/results/${resultId}/slices`, { credentials: "same-origin" });
    const slice = first === undefined ? undefined : fetchSlice(resultId, first);
    slice?.catch(() => {}); // asked for again when it is shown
    const answer = await answers;
    if (!answer.ok) return null;
    const stack = new Stack(resultId, await answer.json());
    if (slice) stack.early = { place: Number(first), slice };
    return stack;
  }

  // Whether all slices can be here at once: other planes are cut through all of them.
  get fits() {
    return this.facts.slices <= this.most;
  }

  at(place) {
    let slice = this.slices.get(place);
    if (slice) {
      this.slices.delete(place);
    } else {
      this.running += 1;
      slice = this.fetch(place);
      slice.then((here) => { if (this.slices.has(place)) this.ready.set(place, here); }, () => this.slices.delete(place))
        .finally(() => {
          this.running -= 1;
          this.onArrival(place);
          this.goOn();
        });
    }
    this.slices.set(place, slice);
    for (const oldest of this.slices.keys()) {
      if (this.slices.size <= this.most) break;
      this.slices.delete(oldest);
      this.ready.delete(oldest);
    }
    return slice;
  }

  async fetch(place) {
    const early = this.early?.place === place ? this.early.slice : undefined;
    this.early = undefined;
    const [voxels, labels] = await (early ?? fetchSlice(this.resultId, place));
    const size = this.facts.rows * this.facts.columns;
    if (voxels.length !== 2 * size || labels.length !== size) throw new Error(`slice ${place}: size`);
    return { steps: unpacked(voxels, this.facts.rows, this.facts.columns), labels };
  }

  // Everything that there is room for, the nearest first, and what lies ahead before what lies behind.
  fetchAround(place, direction) {
    const cost = (one) => Math.abs(one - place) * ((one - place) * direction >= 0 ? 1 : 2);
    this.waiting = Array.from({ length: this.facts.slices }, (_, one) => one)
      .sort((one, other) => cost(one) - cost(other))
      .slice(0, this.most - 1)
      .filter((one) => !this.slices.has(one));
    this.goOn();
  }

  goOn() {
    while (this.waiting.length && this.running < MOST_REQUESTS / 2) this.at(this.waiting.shift());
  }

  stop() {
    this.waiting = [];
  }

  // HU of a voxel; undefined where it lies outside, or its slice is not here yet.
  hounsfield({ place, row, column }) {
    const { rows, columns, lowest_hu: lowest, step_hu: step } = this.facts;
    if (row < 0 || row >= rows || column < 0 || column >= columns) return undefined;
    const steps = this.ready.get(place)?.steps;
    return steps && lowest + step * steps[row * columns + column];
  }

  async heatOf(place) {
    if (!this.heat) {
      this.heat = fetch(`/results/${this.resultId}/slices/heat`, { credentials: "same-origin" })
        .then((answer) => (answer.ok ? answer.json() : {}));
    }
    return (await this.heat)[place];
  }
}

function fetchSlice(resultId, place) {
  return Promise.all(["voxels", "labels"].map(async (what) => {
    const answer = await fetch(`/results/${resultId}/slices/${place}/${what}`, { credentials: "same-origin" });
    if (!answer.ok) throw new Error(`slice ${place}: ${answer.status}`);
    return new Uint8Array(await answer.arrayBuffer());
  }));
}

// radiology/image/slice_stack.py: differences to the neighbour, low bytes before high ones.
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
