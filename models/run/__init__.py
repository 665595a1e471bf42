"""Load the networks of a schema 3 bundle, compare them with what it declares, run them."""
