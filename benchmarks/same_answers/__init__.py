"""Compares the answers of two versions of the program: `python -m benchmarks.same_answers`."""
