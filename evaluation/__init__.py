"""Metrics and reports: how good a bundle is, on held-out data or on a site's own cases.

Pure numpy and scipy; only the report draws (matplotlib) and fills in a page (Jinja).
"""
