"""The pipeline from received instances to delivered results: one module a step.

Read `worker/pipeline.py` first.
"""
