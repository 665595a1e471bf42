"""Single slices of a chest: read, told for a picture and as JSON, and told again when stored."""
