"""Bundles of schema 2: a closed form, made for the chest before schema 3 opened it.

Only bundles that were released in it use it; a new bundle is of schema 3.
"""
