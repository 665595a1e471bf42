"""What happened to a study, as spans of a trace: read from the rows once it has happened."""
