"""The worklist page: flagged studies first, and the state of each study."""
