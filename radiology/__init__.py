"""The words of the reading room as plain Python values: no I/O, no DICOM library."""
