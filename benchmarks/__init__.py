"""Programs that measure speed, and compare the answers of two versions.

`make bench` runs those about speed and prints what it measured.
"""
