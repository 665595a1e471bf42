"""Everything that speaks HL7 v2 to a peer, both directions. No clinical decision is made here."""
