// The slices of one result: fetched one by one, unpacked, and those that will be wanted next ahead.
const KEPT = 60; // slices in memory: about 50 MB of 512 x 512
const MOST_REQUESTS = 4; // a browser has six connections to a server; live updates keep one

export class Stack {
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
