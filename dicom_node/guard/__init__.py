"""What pynetdicom lacks: an upper layer that no peer can stall, exhaust or confuse."""
