"""The tables of running for years: what goes, what was counted, how far traces have got."""
