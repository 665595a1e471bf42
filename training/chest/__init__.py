"""Training of the chest bundle of schema 3: lungs, lesions and slice scores from one encoder."""
