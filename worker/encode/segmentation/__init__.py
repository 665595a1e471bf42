"""The segmentation: which segments, which voxels, in which form."""
