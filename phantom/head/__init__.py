"""A synthetic head: voxels with bleedings of known volume, and their DICOM study.

As with the chest phantom, everything is a function of the place in the patient (mm, LPS): each
grid evaluates the same functions at its own voxels. `make_head_phantom` gives the voxels and the
truth; `phantom.head.study.write_head_study` writes them as a scanner would.
"""

from phantom.head.anatomy import Head
from phantom.head.bleedings import Bleeding, BleedingLabel, random_bleedings
from phantom.head.grid import QUICK_HEAD_GRID, head_grid
from phantom.head.synthesis import HeadPhantom, make_head_phantom

__all__ = [
    "QUICK_HEAD_GRID",
    "Bleeding",
    "BleedingLabel",
    "Head",
    "HeadPhantom",
    "head_grid",
    "make_head_phantom",
    "random_bleedings",
]
