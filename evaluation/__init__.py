"""Metrics and reports of a bundle's quality, on held-out data or on a site's cases.

Pure numpy and scipy; only the report draws (matplotlib) and fills in a page (Jinja).
"""
