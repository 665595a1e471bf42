"""The terms of radiology as plain Python values, without I/O or a DICOM library."""
