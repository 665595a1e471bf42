"""What Prometheus scrapes, and who may."""
