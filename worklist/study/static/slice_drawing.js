// What is drawn of a slice: its voxels in a window, where the classifier looked, the outlines.
const OF_0_1_0 = [ // what stacks of that version hold without saying so
  { label: 1, name: "Right lung", is_finding: false, colour: "#009e73", dash_px: [2, 4] },
  { label: 2, name: "Left lung", is_finding: false, colour: "#009e73", dash_px: [2, 4] },
  { label: 3, name: "Ground glass opacity", is_finding: true, colour: "#56b4e9", dash_px: [8, 4] },
  { label: 4, name: "Consolidation", is_finding: true, colour: "#e69f00", dash_px: [] },
];
const VIRIDIS = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]];
const MOST_OPAQUE = 0.6;

// What is outlined, as on the key picture: colour and pattern both differ. Organs are outlined
// together with the findings in them, so that a finding leaves no hole in its organ.
export function linesOf(facts) {
  const regions = facts.regions || OF_0_1_0;
  const organs = regions.filter((one) => !one.is_finding);
  const findings = regions.filter((one) => one.is_finding && !one.is_possible);
  const possible = regions.filter((one) => one.is_possible);
  const around = organs.length
    ? [{ labels: regions.map((one) => one.label), names: organs.map((one) => one.name),
         colour: organs[0].colour, width: 1.2, dash: organs[0].dash_px }]
    : [];
  return [...around, ...findings.map((one) => ({
    labels: [one.label], names: [one.name], colour: one.colour,
    width: one.dash_px.length ? 1.8 : 2, dash: one.dash_px,
  })), ...possible.map((one) => ({
    labels: [one.label], names: [one.name], colour: one.colour, width: 1.2, dash: one.dash_px, possible: true,
  }))];
}

// The voxels of a slice as grey levels of a window (PS3.3 C.11.2.1.2), one pixel for each.
export function drawVoxels(canvas, facts, steps, { width, level }) {
  const { lowest_hu: lowest, step_hu: step, highest_hu: highest } = facts;
  const grey = new Uint8ClampedArray(Math.ceil((highest - lowest) / step) + 2);
  for (let one = 0; one < grey.length; one += 1) {
    grey[one] = ((lowest + one * step - (level - width / 2)) * 255) / width;
  }
  const picture = new ImageData(canvas.width, canvas.height);
  const pixels = new Uint32Array(picture.data.buffer);
  const little = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;
  for (let one = 0; one < steps.length; one += 1) {
    const value = grey[steps[one]];
    pixels[one] = little
      ? (0xff000000 | (value << 16) | (value << 8) | value)
      : ((value << 24) | (value << 16) | (value << 8) | 0xff);
  }
  canvas.getContext("2d").putImageData(picture, 0, 0);
}

// A heat map over a slice, the warmer the less of the slice shines through.
export function drawHeat(over, facts, heat) {
  const pen = over.getContext("2d");
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
  const across = over.width / facts.columns;
  const down = over.height / facts.rows;
  pen.imageSmoothingEnabled = true;
  pen.drawImage(small, left * across, top * down, width * across, height * down);
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

// The outlines of a slice; `scale` is device pixels for each pixel of the page.
export function drawOutlines(over, facts, slice, { scale, withPossible }) {
  const pen = over.getContext("2d");
  const { columns, rows } = facts;
  const across = over.width / columns;
  const down = over.height / rows;
  const lines = linesOf(facts);
  slice.outlines ??= lines.map((line) => {
    const inside = new Uint8Array(256);
    for (const label of line.labels) inside[label] = 1;
    return outlinesOf(slice.labels, rows, columns, inside);
  });
  lines.forEach((line, place) => {
    if (line.possible && !withPossible) return;
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
