"""Loads the networks of a schema 3 bundle, compares them with its declaration, runs them."""
