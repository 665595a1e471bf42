"""TLS under DICOM: the handshake, whose certificate was shown, and what went wrong in words."""
