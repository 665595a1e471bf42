// One picture on the screen: a stack viewport of Cornerstone3D and a canvas for what lies over it.
// It is drawn on the processor: decision 0042 has the figures. Points are in pixels of the image
// ("x, y") or of the page from the picture's corner ("left, top").
const SCHEME = "firstread";
const MOST_ENLARGED = 16;
const planes = new Map(); // by the name in an image's id

let engine;
let library;

// Called once, before the first picture.
export function begin(loaded) {
  library = loaded;
  library.setUseCPURendering(true);
  library.metaData.addProvider(describe, 1000);
  library.imageLoader.registerImageLoader(SCHEME, (imageId) => ({ promise: load(imageId) }));
  engine = new library.RenderingEngine(SCHEME);
}

function named(imageId) {
  const [, name, index] = String(imageId).match(/^firstread:(.*)\/(\d+)$/) ?? [];
  return { plane: planes.get(name), index: Number(index) };
}

// Every picture lies in a space of its own: its corner is the origin, mm to the right and down.
function describe(type, imageId) {
  const { plane } = named(imageId);
  if (!plane) return undefined;
  const { width: columns, height: rows, rowMm, columnMm } = plane;
  return {
    imagePlaneModule: {
      frameOfReferenceUID: SCHEME, rows, columns, rowPixelSpacing: rowMm, columnPixelSpacing: columnMm,
      pixelSpacing: [rowMm, columnMm], imagePositionPatient: [0, 0, 0], imageOrientationPatient: [1, 0, 0, 0, 1, 0],
      rowCosines: [1, 0, 0], columnCosines: [0, 1, 0],
    },
    imagePixelModule: {
      samplesPerPixel: 1, photometricInterpretation: "MONOCHROME2", rows, columns,
      bitsAllocated: 16, bitsStored: 16, highBit: 15, pixelRepresentation: 0,
    },
    generalSeriesModule: { modality: "CT" },
  }[type];
}

async function load(imageId) {
  const { plane, index } = named(imageId);
  const { steps } = await plane.cut(index);
  const { lowest_hu: lowest, highest_hu: highest, step_hu: step } = plane.stack.facts;
  const { width, height } = plane;
  return {
    imageId, width, height, rows: height, columns: width,
    rowPixelSpacing: plane.rowMm, columnPixelSpacing: plane.columnMm,
    slope: step, intercept: lowest, minPixelValue: 0, maxPixelValue: Math.ceil((highest - lowest) / step),
    windowCenter: 40, windowWidth: 400, color: false, rgba: false, numberOfComponents: 1, invert: false,
    dataType: "Uint16Array", sizeInBytes: steps.byteLength, getPixelData: () => steps,
    voxelManager: library.utilities.VoxelManager.createImageVoxelManager({
      width, height, numberOfComponents: 1, scalarData: steps, id: imageId,
    }),
  };
}

export class Picture {
  constructor(name, { inner, over, onDrawn }) {
    Object.assign(this, { name, inner, over, onDrawn, plane: null, index: -1, zoom: 1, window: null });
    this.asked = 0;
    this.fitInner();
    engine.enableElement({ viewportId: name, type: library.Enums.ViewportType.STACK, element: inner });
    this.viewport = engine.getViewport(name);
    inner.addEventListener(library.Enums.Events.IMAGE_RENDERED, () => this.drawn());
  }

  // The library draws one pixel for each of the element's: so the element has the screen's pixels.
  fitInner() {
    this.scale = window.devicePixelRatio || 1;
    const { clientWidth, clientHeight } = this.inner.parentElement;
    [this.width, this.height] = [clientWidth, clientHeight];
    Object.assign(this.inner.style, {
      width: `${Math.max(Math.round(clientWidth * this.scale), 1)}px`,
      height: `${Math.max(Math.round(clientHeight * this.scale), 1)}px`,
      transform: `scale(${1 / this.scale})`,
    });
  }

  // Shows a picture of a plane; resolves when its voxels are here. Of two that overlap the last wins.
  async show(plane, index) {
    this.asked += 1;
    const { asked } = this;
    const key = `${this.name}-${plane.stack.resultId}-${plane.name}`;
    const other = this.key !== key;
    planes.set(key, plane);
    const cut = plane.here(index) ?? (await plane.cut(index));
    if (asked !== this.asked) return false;
    Object.assign(this, { plane, index, cut });
    if (other) {
      planes.delete(this.key);
      this.key = key;
      const ids = Array.from({ length: plane.count }, (_, one) => `${SCHEME}:${key}/${one}`);
      await this.viewport.setStack(ids, index);
      if (asked !== this.asked) return false;
      this.whole();
    } else {
      this.viewport.setImageIdIndex(index).catch(() => {}); // its voxels are here: nothing can be missing
    }
    this.setWindow(this.window);
    return true;
  }

  setWindow(window) {
    this.window = window;
    if (!window || !this.plane) return;
    const { width, level } = window; // PS3.3 C.11.2.1.2
    this.viewport.setProperties({ voiRange: { lower: level - width / 2, upper: level + width / 2 - 1 } });
    this.viewport.render();
  }

  drawn() {
    // What the library was given stays in our stack alone, or memory would hold it twice.
    const imageId = this.viewport.getCurrentImageId();
    if (this.shown && this.shown !== imageId && library.cache.getImageLoadObject(this.shown)) {
      library.cache.removeImageLoadObject(this.shown);
    }
    this.shown = imageId;
    this.onDrawn(this);
  }

  // --- how large, and which part ------------------------------------------------------------------

  get fitted() { // pixels of the page for a millimetre, when the whole picture is shown
    const { width, height, columnMm, rowMm } = this.plane;
    return Math.min(this.width / (width * columnMm), this.height / (height * rowMm));
  }

  whole() {
    const { width, height } = this.plane;
    this.look(1, width / 2, height / 2);
  }

  // Enlarged `zoom` times beyond the whole picture, with the point x, y in the middle.
  look(zoom, x, y) {
    if (!this.plane || !this.width || !this.height) return;
    const { width, height, columnMm, rowMm } = this.plane;
    this.zoom = Math.min(Math.max(zoom, 1), MOST_ENLARGED);
    // At least the middle of the picture's frame shows some of the picture.
    this.x = Math.min(Math.max(x, 0), width);
    this.y = Math.min(Math.max(y, 0), height);
    this.viewport.setCamera({ focalPoint: [this.x * columnMm, this.y * rowMm, 0] });
    // The library's scale is pixels for the finer of the two spacings.
    this.viewport.setCamera({ scale: this.fitted * this.zoom * this.scale * Math.min(columnMm, rowMm) });
    this.viewport.render();
  }

  // Enlarges by a factor, so that the point under left, top stays where it is.
  enlarge(factor, left = this.width / 2, top = this.height / 2) {
    if (!this.plane) return;
    const [x, y] = this.pointAt(left, top);
    const zoom = Math.min(Math.max(this.zoom * factor, 1), MOST_ENLARGED);
    const share = this.zoom / zoom;
    if (zoom === 1) this.whole();
    else this.look(zoom, x + (this.x - x) * share, y + (this.y - y) * share);
  }

  move(right, down) {
    if (!this.plane) return;
    const each = this.fitted * this.zoom;
    this.look(this.zoom, this.x - right / (each * this.plane.columnMm), this.y - down / (each * this.plane.rowMm));
  }

  resize() {
    if (!this.inner.parentElement.clientWidth) return;
    this.fitInner();
    this.viewport.resize();
    if (this.plane) this.look(this.zoom, this.x, this.y);
  }

  pointAt(left, top) {
    const [x, y] = this.viewport.canvasToWorld([left * this.scale, top * this.scale]);
    return [x / this.plane.columnMm, y / this.plane.rowMm];
  }

  // From pixels of the image to those of the canvas that lies over it: a, d, e, f of its transform.
  transform() {
    const { columnMm, rowMm } = this.plane;
    const [left, top] = this.viewport.worldToCanvas([0, 0, 0]);
    const [right, bottom] = this.viewport.worldToCanvas([columnMm * 100, rowMm * 100, 0]);
    return { across: (right - left) / 100, down: (bottom - top) / 100, left, top };
  }
}
