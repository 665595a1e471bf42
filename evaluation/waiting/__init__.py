"""The waiting times of studies, and those in another order."""
