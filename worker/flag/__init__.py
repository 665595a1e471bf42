"""How urgent a study is, and in later versions the channels that say so to other systems."""
