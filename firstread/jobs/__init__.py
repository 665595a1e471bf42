"""`firstread jobs`: where studies stand, what they wait for, why one failed, and trying again."""
