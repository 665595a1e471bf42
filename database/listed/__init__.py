"""What the list shows beside the rows of studies, and how each reader wants to see it."""
