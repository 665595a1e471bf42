"""What we claim about speed, and that a version answers as another one does, as programs.

`make bench` runs those about speed and prints what it measured.
"""
