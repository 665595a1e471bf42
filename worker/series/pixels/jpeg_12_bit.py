"""Lossy JPEG of more than 8 bits, which pydicom's plugins refuse and GDCM decodes.

PS3.5 Annex A.4.1: JPEG Extended (Process 2 and 4), and two retired ones that old archives hold.
GDCM's decoder agrees with DCMTK's to the bit on the files that we tried; it writes a line to
stderr first, because it tries its 8-bit decoder before (python-gdcm issue 35).
"""

from __future__ import annotations

import importlib

import numpy as np
from numpy.typing import NDArray

JPEG_LOSSY_12_BIT = frozenset(
    {
        "1.2.840.10008.1.2.4.51",  # JPEG Extended (Process 2 and 4)
        "1.2.840.10008.1.2.4.53",  # JPEG Spectral Selection (Process 6 and 8), retired
        "1.2.840.10008.1.2.4.55",  # JPEG Full Progression (Process 10 and 12), retired
    }
)

_PROCESS_2_4 = "1.2.840.10008.1.2.4.51"


def decode_jpeg_12_bit(encoded: bytes, *, rows: int, columns: int) -> NDArray[np.uint16]:
    """Decode one frame of 12-bit JPEG.

    Returns
    -------
    uint16, shape (rows, columns)

    Raises
    ------
    ValueError
        GDCM does not decode it, or to another size.
    """
    gdcm = importlib.import_module("gdcm")  # has no type information
    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(encoded)
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))  # Pixel Data
    element.SetValue(fragments.__ref__())
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((columns, rows, 1))
    image.SetDataElement(element)
    interpretation = gdcm.PhotometricInterpretation.GetPIType("MONOCHROME2")
    image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(interpretation))
    # The stream itself says which process it is; GDCM knows only the first of the three
    syntax = gdcm.TransferSyntax.GetTSType(_PROCESS_2_4)
    image.SetTransferSyntax(gdcm.TransferSyntax(syntax))
    image.SetPixelFormat(gdcm.PixelFormat(1, 16, 12, 11, 0))
    decoded = image.GetBuffer().encode("utf-8", "surrogateescape")
    if len(decoded) != rows * columns * 2:
        raise ValueError("GDCM decoded another number of bytes than the frame has")
    return np.frombuffer(decoded, dtype="<u2").reshape(rows, columns)
