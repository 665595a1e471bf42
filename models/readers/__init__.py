"""Loaded bundles: the protocol that the worker uses, and its implementation for each schema."""
