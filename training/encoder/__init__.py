"""Encoders that learnt from photographs (ImageNet), for the networks of every bundle."""
