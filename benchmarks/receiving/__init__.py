"""How fast instances are received durably, beside Orthanc and dcmtk's storescp in the same run."""
