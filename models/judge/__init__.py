"""Gates, suspicion and urgency: what a bundle's rules say of what was measured."""
