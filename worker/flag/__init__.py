"""How urgent a study is, and the channels that say so to other systems and people."""
