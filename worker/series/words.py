"""The meaning of words in a CT series header: kernels, body parts, image types.

Tables only. Kernels are named by the makers as they like (PS3.3 C.8.2.1 leaves Convolution Kernel
open), so the names are read by the patterns of their conformance statements and manuals. A name
that no row knows is `UNKNOWN`, which is treated like a lung kernel: neither best nor worst.
"""

from __future__ import annotations

import re
from enum import StrEnum


class Kernel(StrEnum):
    """How sharp a reconstruction is."""

    SOFT = "soft"
    LUNG = "lung"
    SHARP = "sharp"
    UNKNOWN = "unknown"


_NAMED_KERNELS = {
    # GE
    "SOFT": Kernel.SOFT,
    "STANDARD": Kernel.SOFT,
    "DETAIL": Kernel.SOFT,
    "CHEST": Kernel.SOFT,
    "LUNG": Kernel.LUNG,
    "BONE": Kernel.SHARP,
    "BONEPLUS": Kernel.SHARP,
    "EDGE": Kernel.SHARP,
    "ULTRA": Kernel.SHARP,
    # Philips
    "A": Kernel.SOFT,
    "B": Kernel.SOFT,
    "C": Kernel.SOFT,
    "YA": Kernel.SOFT,
    "YB": Kernel.SOFT,
    "L": Kernel.LUNG,
    "YC": Kernel.LUNG,
    "D": Kernel.SHARP,
    "E": Kernel.SHARP,
    "YD": Kernel.SHARP,
    "YE": Kernel.SHARP,
    # United Imaging
    "B_SOFT_B": Kernel.SOFT,
    "B_SHARP_C": Kernel.LUNG,
    "B_VSHARP_C": Kernel.SHARP,
}

# Siemens: region (B body, D, H head, I iterative, Q, T …), letters, sharpness 10 to 99, letter
_SIEMENS = re.compile(r"[A-Z][a-zA-Z]?(\d{2})[a-zA-Z]?(?:[\\/_ ].*)?")
_SIEMENS_SOFT_BELOW = 50
_SIEMENS_SHARP_FROM = 67

# Canon, Toshiba: FC and two digits; 30s bone, 50s lung, 80s high resolution (86 lung)
_CANON = re.compile(r"FC(\d)(\d).*")
_CANON_TENS = {"3": Kernel.SHARP, "5": Kernel.LUNG, "8": Kernel.SHARP}


def kernel_of(name: str) -> Kernel:
    """The sharpness that a Convolution Kernel stands for."""
    plain = name.strip()
    if plain.upper() in _NAMED_KERNELS:
        return _NAMED_KERNELS[plain.upper()]
    if found := _CANON.fullmatch(plain.upper()):
        if found.groups() == ("8", "6"):
            return Kernel.LUNG
        return _CANON_TENS.get(found.group(1), Kernel.SOFT)
    if found := _SIEMENS.fullmatch(plain):
        sharpness = int(found.group(1))
        if sharpness < _SIEMENS_SOFT_BELOW:
            return Kernel.SOFT
        return Kernel.LUNG if sharpness < _SIEMENS_SHARP_FROM else Kernel.SHARP
    return Kernel.UNKNOWN


NO_SLICES = frozenset({"LOCALIZER", "SCOUT", "TOPOGRAM", "SURVIEW", "SCANOGRAM"})
"""Values of Image Type that mark a planning image (PS3.3 C.8.2.1.1.1: LOCALIZER; the rest are
makers' words for it)."""

REFORMATTED = frozenset(
    {
        "MPR",
        "REFORMATTED",
        "RESAMPLED",
        "MIP",
        "MINIP",
        "MAX_IP",
        "MIN_IP",
        "PROJECTION IMAGE",
        "VOLREN",
        "VOLUME_RENDER",
        "VRT",
        "SSD",
        "CPR",
        "CURVED_MPR",
        # Derived Pixel Contrast: no longer the attenuation of a voxel
        "MAXIMUM",
        "MINIMUM",
        "STD_DEVIATION",
        "SUBTRACTION",
        "DIVISION",
        "MULTIPLICATION",
    }
)
"""Values of Image Type of what was computed from slices (the last six: PS3.3 C.8.16.2.1.4)."""

SCREENS = frozenset(
    {
        "SCREEN SAVE",
        "SCREENSAVE",
        "SCREEN_SAVE",
        "DOSE_INFO",
        "DOSE REPORT",
        "CT_SOM5 PROT",
        "CT_SOM7 PROT",
        "PROT",
        "RGB",
    }
)
"""Values of Image Type of a picture of a screen: dose page, patient protocol, 3-D view."""
