"""Our own work items, who watches them, and what watchers are told."""
