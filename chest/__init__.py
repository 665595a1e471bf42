"""What is only true of chests: lungs, lobes, gates, and the rules for one answer to a study."""
