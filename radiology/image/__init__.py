"""Images as values: headers, stacks of frames, volumes, slices, heat maps."""
