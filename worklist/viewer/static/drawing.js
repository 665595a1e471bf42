// What is drawn over a picture: where the classifier looked, the outlines, the cross and the ruler.
// `place` is where the picture lies on the canvas: { across, down, left, top } in its pixels.
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

// A heat map over a slice, the warmer the less of the slice shines through.
export function drawHeat(over, heat, place) {
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
  pen.imageSmoothingEnabled = true;
  pen.drawImage(small, place.left + left * place.across, place.top + top * place.down, width * place.across, height * place.down);
}

// Of each label that a picture holds, the first and last row and column.
function boxesOf(labels, rows, columns) {
  const boxes = new Map();
  for (let row = 0, one = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1, one += 1) {
      const label = labels[one];
      if (!label) continue;
      const box = boxes.get(label);
      if (!box) {
        boxes.set(label, { top: row, bottom: row, left: column, right: column });
      } else {
        box.bottom = row;
        if (column < box.left) box.left = column;
        else if (column > box.right) box.right = column;
      }
    }
  }
  return boxes;
}

// Closed outlines of the pixels that have one of the labels, through their corners, clockwise. Only
// where the labels are is looked: most pictures hold few of them, and most of a picture none.
function outlinesOf(labels, columns, wanted, boxes) {
  const found = wanted.map((label) => boxes.get(label)).filter(Boolean);
  if (!found.length) return [];
  const [top, left] = [Math.min(...found.map((box) => box.top)), Math.min(...found.map((box) => box.left))];
  const [bottom, right] = [Math.max(...found.map((box) => box.bottom)), Math.max(...found.map((box) => box.right))];
  const inside = new Uint8Array(256);
  for (const label of wanted) inside[label] = 1;
  const onward = new Map();
  const wide = columns + 1;
  const add = (from, to) => {
    const there = onward.get(from);
    if (there) there.push(to);
    else onward.set(from, [to]);
  };
  const around = right - left + 3; // a margin of what is outside: no pixel has to ask whether it is the last
  const is = new Uint8Array((bottom - top + 3) * around);
  for (let row = top; row <= bottom; row += 1) {
    for (let column = left, at = (row - top + 1) * around + 1, one = row * columns + left; column <= right; column += 1, one += 1, at += 1) {
      is[at] = inside[labels[one]];
    }
  }
  for (let row = top; row <= bottom; row += 1) {
    for (let column = left, at = (row - top + 1) * around + 1; column <= right; column += 1, at += 1) {
      if (!is[at] || (is[at - 1] && is[at + 1] && is[at - around] && is[at + around])) continue;
      const corner = row * wide + column;
      if (!is[at - around]) add(corner, corner + 1);
      if (!is[at + 1]) add(corner + 1, corner + wide + 1);
      if (!is[at + around]) add(corner + wide + 1, corner + wide);
      if (!is[at - 1]) add(corner + wide, corner);
    }
  }
  return closed(onward, wide);
}

function closed(onward, wide) {
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

// The outlines of a picture; `scale` is device pixels for each pixel of the page.
export function drawOutlines(over, plane, cut, place, { scale, withPossible }) {
  const pen = over.getContext("2d");
  const lines = linesOf(plane.stack.facts);
  if (!cut.outlines) {
    const boxes = boxesOf(cut.labels, plane.height, plane.width);
    cut.outlines = lines.map((line) => outlinesOf(cut.labels, plane.width, line.labels, boxes));
  }
  lines.forEach((line, number) => {
    if (line.possible && !withPossible) return;
    pen.beginPath();
    for (const outline of cut.outlines[number]) {
      outline.forEach(([column, row], one) => {
        // Through the middles of pixel edges, an oblique edge is a line and not a staircase.
        const [next, below] = outline[(one + 1) % outline.length];
        const [x, y] = [place.left + ((column + next) / 2) * place.across, place.top + ((row + below) / 2) * place.down];
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

// A line that stands out on any ground: dark under light.
function stroke(pen, scale, draw) {
  pen.setLineDash([]);
  for (const [colour, width] of [["#000", 3.5], ["#ffd36b", 1.5]]) {
    pen.beginPath();
    draw();
    pen.strokeStyle = colour;
    pen.lineWidth = width * scale;
    pen.stroke();
  }
}

const on = (place, [x, y]) => [place.left + x * place.across, place.top + y * place.down];

export function drawCross(over, point, place, scale) {
  const pen = over.getContext("2d");
  const [x, y] = on(place, point);
  stroke(pen, scale, () => {
    for (const [right, down] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      pen.moveTo(x + 4 * right * scale, y + 4 * down * scale);
      pen.lineTo(x + 14 * right * scale, y + 14 * down * scale);
    }
  });
}

// A ruler between two points, with its length beside the second one.
export function drawRuler(over, [from, to], words, place, scale) {
  const pen = over.getContext("2d");
  const [[x, y], [nextX, nextY]] = [on(place, from), on(place, to)];
  const length = Math.hypot(nextX - x, nextY - y) || 1;
  const [right, down] = [((nextY - y) / length) * 5 * scale, ((x - nextX) / length) * 5 * scale];
  stroke(pen, scale, () => {
    pen.moveTo(x, y);
    pen.lineTo(nextX, nextY);
    for (const [endX, endY] of [[x, y], [nextX, nextY]]) {
      pen.moveTo(endX - right, endY - down);
      pen.lineTo(endX + right, endY + down);
    }
  });
  pen.font = `600 ${13 * scale}px Inter, sans-serif`;
  const wide = pen.measureText(words).width;
  const left = Math.min(Math.max(nextX + 8 * scale, 0), over.width - wide - 6 * scale);
  const top = Math.min(Math.max(nextY, 16 * scale), over.height - 10 * scale);
  pen.fillStyle = "rgb(0 0 0 / 70%)";
  pen.fillRect(left - 3 * scale, top - 13 * scale, wide + 6 * scale, 18 * scale);
  pen.fillStyle = "#ffd36b";
  pen.fillText(words, left, top);
}
