"""What we request from peers: store, commit, query, verify, each over its own association."""
