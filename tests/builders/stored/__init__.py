"""Rows and files of a site."""
