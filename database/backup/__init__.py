"""Rows as one archive of either database has them, and databases that are being filled."""
