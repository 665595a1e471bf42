"""Results on their way to destinations, and what destinations promised to keep."""
