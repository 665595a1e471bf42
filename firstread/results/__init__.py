"""`firstread results`: withdrawing a wrong result, sending what a destination lacks."""
