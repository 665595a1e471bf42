"""Attacks released bundles: the same small changes of every pixel, whatever their networks are."""
