"""Trains the bundle that looks for bleeding in head CT without contrast agent.

`python -m training.head --data DIR --out DIR` reads the public set, makes heads, cross-validates,
fits the network that is shipped, and writes it as ONNX with its figures and its card.
"""
