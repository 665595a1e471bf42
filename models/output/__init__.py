"""From what a network answers to masks, scores, heat maps and boxes on the volume's grid."""
