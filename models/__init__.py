"""ONNX model bundles, and the code that loads and runs them.

What the worker calls: `models.catalogue.read_catalogue`, `models.network_sessions.NetworkSession`
and `chest.read_study.read_study`.
"""
