"""Everything that speaks DICOM to a peer, in both directions. No clinical decision is made here."""
