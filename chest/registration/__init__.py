"""Registration: maps every place of an earlier chest to its place in a later one.

Outlines first, by an affine mapping; then a lattice of B-splines, which follows breath. Both are
least squares, solved by Gauss-Newton on voxels of 5 mm. How good it is: docs/comparison.md; why it
is not done by a library: docs/decisions/0019-registration.md.
"""

from chest.registration.earlier_chest import EarlierChest
from chest.registration.register import Registration, later_blocks, register

__all__ = ["EarlierChest", "Registration", "later_blocks", "register"]
