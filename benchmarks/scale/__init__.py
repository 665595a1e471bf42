"""What a study costs, what several workers make of it, and a day of 10,000 computed from that."""
