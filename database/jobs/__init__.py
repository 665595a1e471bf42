"""Jobs: waiting, in the hands of a worker, and taken back."""
