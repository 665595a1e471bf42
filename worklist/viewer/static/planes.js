// The three planes through a stack: axial as it is kept, coronal and sagittal cut through all of it.
// A voxel is { place, row, column }: from the head, from the front, from the patient's right.
export const PLANES = ["axial", "coronal", "sagittal"];

// Letters of the patient's directions: top, right, bottom and left of a picture.
const LETTERS = {
  axial: ["A", "L", "P", "R"],
  coronal: ["H", "L", "F", "R"],
  sagittal: ["H", "P", "F", "A"],
};

export class Plane {
  constructor(name, stack) {
    const { slices, rows, columns, slice_mm: deep, row_mm: down, column_mm: across } = stack.facts;
    this.name = name;
    this.stack = stack;
    this.letters = LETTERS[name];
    [this.count, this.width, this.height, this.columnMm, this.rowMm] = {
      axial: [slices, columns, rows, across, down],
      coronal: [rows, columns, slices, across, deep],
      sagittal: [columns, rows, slices, down, deep],
    }[name];
  }

  // The voxel under a point of a picture; x and y in pixels from its upper left corner.
  voxelAt(index, x, y) {
    const [column, row] = [Math.floor(x), Math.floor(y)];
    return {
      axial: { place: index, row, column },
      coronal: { place: row, row: index, column },
      sagittal: { place: row, row: column, column: index },
    }[this.name];
  }

  // Which picture of this plane goes through a voxel, and where in it.
  pointOf({ place, row, column }) {
    return {
      axial: { index: place, x: column + 0.5, y: row + 0.5 },
      coronal: { index: row, x: column + 0.5, y: place + 0.5 },
      sagittal: { index: column, x: row + 0.5, y: place + 0.5 },
    }[this.name];
  }

  // A picture whose voxels are all here already.
  here(index) {
    return this.name === "axial" ? this.stack.ready.get(index) : undefined;
  }

  // Voxels and labels of a picture, row after row; other planes than the axial wait for all slices.
  cut(index) {
    if (this.name === "axial") return this.stack.at(index);
    if (this.last?.index !== index) this.last = { index, picture: this.cutThrough(index) };
    return this.last.picture;
  }

  async cutThrough(index) {
    const { slices, rows, columns } = this.stack.facts;
    const all = await Promise.all(Array.from({ length: slices }, (_, place) => this.stack.at(place)));
    const picture = {
      steps: new Uint16Array(this.width * this.height),
      labels: new Uint8Array(this.width * this.height),
    };
    for (const what of ["steps", "labels"]) {
      const into = picture[what];
      all.forEach((slice, place) => {
        const from = slice[what];
        const start = place * this.width;
        if (this.name === "coronal") {
          into.set(from.subarray(index * columns, (index + 1) * columns), start);
        } else {
          for (let row = 0; row < rows; row += 1) into[start + row] = from[row * columns + index];
        }
      });
    }
    return picture;
  }
}

// Where a voxel lies in the patient: x, y, z in mm (LPS); undefined for stacks kept without it.
export function positionMm(facts, { place, row, column }) {
  return facts.affine_mm?.map(([byPlace, byRow, byColumn, origin]) =>
    byPlace * place + byRow * row + byColumn * column + origin);
}
