"""Training further on a site's own cases."""
