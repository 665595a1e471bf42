// The slices of the earlier study beside those of this one, gone through together: by the extent of
// the organ that is outlined in both (the lungs, whatever the breath and the table), else by the
// height in the patient, else by the middle. `own` is how far the reader moved the earlier one alone.
export class Earlier {
  constructor(picture) {
    this.picture = picture;
    this.stack = null;
    this.plane = null;
    this.on = false;
    this.own = 0;
    this.by = "";
  }

  async open(Stack, resultId) {
    if (this.stack?.resultId !== resultId) {
      this.stack = await Stack.open(resultId);
      this.own = 0;
    }
    return Boolean(this.stack);
  }

  // The picture of the earlier study that goes with one of this study.
  indexFor(plane, index) {
    return Math.min(Math.max(this.aligned(plane, index) + this.own, 0), this.plane.count - 1);
  }

  aligned(plane, index) {
    const [now, then] = [plane.stack.facts, this.stack.facts];
    if (plane.name !== "axial") {
      this.by = "middle";
      const each = plane.name === "coronal" ? "row_mm" : "column_mm";
      return Math.round((this.plane.count - 1) / 2 + ((index - (plane.count - 1) / 2) * now[each]) / then[each]);
    }
    const height = heightFor(now, then, now.heights_mm[index]);
    this.by = height.by;
    return nearest(then.heights_mm, height.mm);
  }
}

function heightFor(now, then, mm) {
  const [ours, theirs] = [extent(now), extent(then)];
  if (ours && theirs) {
    const share = (mm - ours.top) / (ours.bottom - ours.top);
    return { by: "organ", mm: theirs.top + share * (theirs.bottom - theirs.top) };
  }
  const overlap = Math.min(now.heights_mm[0], then.heights_mm[0]) - Math.max(now.heights_mm.at(-1), then.heights_mm.at(-1));
  const shorter = Math.min(...[now, then].map(({ heights_mm: all }) => all[0] - all.at(-1)));
  if (overlap > shorter / 2) return { by: "position", mm };
  const middle = ({ heights_mm: all }) => (all[0] + all.at(-1)) / 2;
  return { by: "middle", mm: mm - middle(now) + middle(then) };
}

// From where to where the outlined organ reaches; undefined where none is, or it is one slice.
function extent({ organ_slices: slices, heights_mm: heights }) {
  const [first, last] = slices ?? [];
  return last > first ? { top: heights[first], bottom: heights[last] } : undefined;
}

function nearest(heights, mm) {
  let best = 0;
  heights.forEach((one, place) => {
    if (Math.abs(one - mm) < Math.abs(heights[best] - mm)) best = place;
  });
  return best;
}
