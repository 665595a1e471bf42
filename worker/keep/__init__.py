"""Answers made durable: files first, then rows in one commit."""
