"""`firstread conformance`: the DICOM conformance statement of the running configuration."""
