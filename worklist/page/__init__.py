"""What every screen is made of: parts, templates, pictures, live updates, errors."""
