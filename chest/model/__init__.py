"""What reading a chest needs of a bundle, and how bundles of either schema give it."""
