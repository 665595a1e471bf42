"""Celery tasks, a module for each queue: wake-ups without content; the database says what to do.

The process of a queue imports the module of that queue and no other, so that a worker that sends
deliveries holds no library of models in memory.
"""
