"""Converts network outputs to masks, scores, heat maps and boxes on the volume's grid."""
