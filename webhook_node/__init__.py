"""Webhooks: what we send and what we take, signed."""
