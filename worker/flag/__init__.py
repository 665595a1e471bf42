"""The channels that tell other systems and people how urgent a study is."""
