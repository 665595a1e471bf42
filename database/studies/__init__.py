"""Studies, their instances, and information about them beside the images."""
