"""Programs that speak DICOM or read our objects, and share no code with us."""
