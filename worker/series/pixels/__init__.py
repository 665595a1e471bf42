"""The stored values of frames: decoded from any transfer syntax, and held against the header."""
