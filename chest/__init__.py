"""Everything specific to chests: lungs, lobes, gates, and the rules for the answer to a study."""
