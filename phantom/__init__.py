"""Patients that were never scanned: voxels in Hounsfield units whose truth is known."""
