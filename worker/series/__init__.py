"""The series of a study: read, chosen or refused with a reason, decoded."""
