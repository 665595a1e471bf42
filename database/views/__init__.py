"""What the page, the command line and the demo show: read only, plain values."""
