"""Browsers, viewers and identity providers."""
