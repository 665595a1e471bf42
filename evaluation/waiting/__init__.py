"""How long studies waited, and would have waited in another order."""
