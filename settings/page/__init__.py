"""Settings of the worklist page: its network, its sign-in, what it shows of studies and lists."""
