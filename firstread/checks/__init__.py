"""`firstread check-settings`: whether what the settings in force name is there."""
