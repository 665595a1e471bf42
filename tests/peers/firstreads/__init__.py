"""Firstreads of either size, started as a hospital starts them."""
