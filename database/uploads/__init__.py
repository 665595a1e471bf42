"""Uploads: received, claimed, ended, deleted."""
