"""From trained networks to the released chest bundle: export, declaration, figures, card."""
