"""Runs the networks of a bundle on a volume, and judges the urgency of the answer."""
