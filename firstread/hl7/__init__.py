"""`firstread hl7`: messages shown and sent as a trial."""
