"""The worklist page: where a reader sees flagged studies first, and what became of each study."""
