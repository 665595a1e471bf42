"""What we claim about speed, as programs. `make bench` runs them and prints what it measured."""
