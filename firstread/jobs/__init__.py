"""`firstread jobs`: where each study stands, why one failed, and trying again."""
