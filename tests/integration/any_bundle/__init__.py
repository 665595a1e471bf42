"""Bundles of schema 3 from a scanner to PACS, page and messages."""
