"""The viewer of the study page beside OHIF, in one browser, from one server, on the same slices."""
