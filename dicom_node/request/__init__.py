"""Requests to peers: store, commit, query, verify, each over a separate association."""
