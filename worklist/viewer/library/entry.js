// What the viewer uses of Cornerstone3D; what nothing here leads to is left out of the module.
export {
  cache,
  Enums,
  imageLoader,
  metaData,
  RenderingEngine,
  setUseCPURendering,
  utilities,
} from "@cornerstonejs/core";
