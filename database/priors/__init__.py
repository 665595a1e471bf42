"""Earlier studies of a patient: those at hand, and those that peers are asked for."""
