"""Requests to peers: store, commit, query, verify, each over an association of its own."""
