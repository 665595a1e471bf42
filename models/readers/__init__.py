"""Bundles that are loaded: what the worker asks of them, and who answers it for each schema."""
