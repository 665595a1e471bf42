"""A synthetic chest: voxels with a known truth, and their DICOM study.

The phantom is a set of functions of the place in the patient (mm, LPS), not an array: any
acquisition, axial, coronal, oblique or tilted, evaluates the same functions at its own voxels, so
the truth is exact on every grid. `make_phantom` gives the voxels and the truth;
`write_phantom_study` writes them as a scanner would.
"""

from phantom.chest import Chest, LobeLabel
from phantom.grid import ORIENTATIONS, PhantomGrid, phantom_grid
from phantom.lesions import EXTENSIVE_LESIONS, TYPICAL_LESIONS, Lesion
from phantom.posture import Breath, Posture, rotation
from phantom.synthesis import Phantom, make_phantom

__all__ = [
    "EXTENSIVE_LESIONS",
    "ORIENTATIONS",
    "TYPICAL_LESIONS",
    "Breath",
    "Chest",
    "Lesion",
    "LobeLabel",
    "Phantom",
    "PhantomGrid",
    "Posture",
    "make_phantom",
    "phantom_grid",
    "rotation",
]
