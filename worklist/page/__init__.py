"""The parts that every screen is made of: templates, pictures, live updates, errors."""
