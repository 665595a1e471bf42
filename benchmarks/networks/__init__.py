"""How long the networks of the chest bundle take, and what bounds them."""
