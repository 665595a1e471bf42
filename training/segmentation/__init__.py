"""The segmentation: its network, loss, objective and stages."""
