"""An answer of a bundle as values: findings, measurements, statements, and how they are stored."""
