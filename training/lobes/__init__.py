"""The lobes of the lungs from their shape: maps, network, scores."""
