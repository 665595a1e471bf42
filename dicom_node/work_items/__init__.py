"""Work items (PS3.4 Annex CC): ours as SCP, those of other managers as SCU."""
