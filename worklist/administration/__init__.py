"""The administrator's screen: queues, peers, disk, settings, and what failed."""
