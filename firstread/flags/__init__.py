"""`firstread flags`: flags shown, acknowledged, told again and tried out."""
