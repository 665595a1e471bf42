"""What a bundle declares, read strictly: every key has a place, and no key is ignored."""
