"""Studies and their instances, and what is said of them beside the images."""
