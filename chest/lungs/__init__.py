"""Lungs and what is found in them, as bodies of three dimensions made of probabilities by slice."""
