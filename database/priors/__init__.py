"""Earlier studies of a patient: those that are stored here, and those requested from peers."""
