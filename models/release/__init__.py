"""Makes a bundle: a skeleton from an ONNX file, its golden answers, its seal."""
