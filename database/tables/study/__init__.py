"""The tables of what came, of its analysis, and of what was delivered."""
