"""Bundles of schema 3 for tests, written from scratch: networks whose answers are worked out."""
