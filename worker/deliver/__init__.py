"""Results to their destinations: sent, committed, rejected; and reports on work items."""
