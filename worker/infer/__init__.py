"""The networks of a bundle run on a volume, and how urgent the answer makes the study."""
