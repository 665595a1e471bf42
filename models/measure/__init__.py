"""Measurements of regions and scores, as a bundle declares them."""
