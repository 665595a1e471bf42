"""Signatures under bundles: whose they are, whether they hold, and how one is made."""
