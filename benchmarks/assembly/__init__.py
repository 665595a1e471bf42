"""Replays how studies arrive, against the rules that say when one is whole."""
