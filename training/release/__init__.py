"""From trained networks to a released bundle: export, int8, golden answers, card."""
