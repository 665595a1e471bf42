"""The outputs that a bundle declares: what they are, and how each kind is read."""
