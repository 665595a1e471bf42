"""DICOMweb (PS3.18) over what Firstread holds: QIDO-RS, WADO-RS and STOW-RS, below /dicom-web."""
