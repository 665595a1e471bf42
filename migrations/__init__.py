"""Alembic migrations: the only way in which the schema of a database changes."""
