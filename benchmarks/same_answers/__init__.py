"""Whether two versions of the program answer alike: `python -m benchmarks.same_answers`."""
