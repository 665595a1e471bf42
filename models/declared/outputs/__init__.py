"""The outputs that a bundle declares: their kinds, and how each is read."""
