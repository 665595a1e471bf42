"""Instances that peers store here: checked, spooled, recorded, and only then answered."""
