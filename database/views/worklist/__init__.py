"""The list of the worklist page: its rows, its pages, its order and its searches."""
