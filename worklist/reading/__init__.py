"""A stored reading in lines, as several screens show it."""
