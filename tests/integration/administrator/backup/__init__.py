"""Archives are made, restored and moved: with both databases, and killed on the way."""
