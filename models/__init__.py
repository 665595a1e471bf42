"""ONNX model bundles, and the code that loads and runs them.

The worker calls `models.catalogue.read_catalogue` and `models.readers.open_reader.open_reader`.
"""
