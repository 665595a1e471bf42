"""How the bundles were made: data, network, training, scoring and export (PyTorch).

Nothing else in Firstread imports this package.
"""
