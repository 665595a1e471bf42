"""The tables of people: accounts, uploads, feedback, flags, work items, and what the list says."""
