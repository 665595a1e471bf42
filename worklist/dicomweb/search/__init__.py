"""QIDO-RS: the search for studies, series and instances (PS3.18 Section 10.6)."""
