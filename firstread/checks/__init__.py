"""`firstread check-settings`: the settings in force, and whether what they name is there."""
