"""Our own work items, their subscriptions, and event reports."""
