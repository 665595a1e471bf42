"""What is scored on what no training saw."""
