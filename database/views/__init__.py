"""Read-only views for the page, the command line and the demo, as plain values."""
