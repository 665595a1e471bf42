"""Earlier studies asked for from peers, and studies read again when they have come."""
