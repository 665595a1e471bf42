"""The exceptions that pydicom raises on damaged or mislabelled bytes.

Whoever looks at bytes of a stranger catches these, all in one: pydicom promises no exception of
its own for them. A list, and not `Exception`, so that a defect of ours is not taken for a damaged
object.
"""

from __future__ import annotations

import struct
from typing import Final

from pydicom.errors import BytesLengthException, InvalidDicomError

PYDICOM_FAULTS: Final = (
    ArithmeticError,  # a number that no int and no float holds
    AttributeError,  # a value of another kind than the element's keyword promises
    BytesLengthException,  # a length that is no multiple of what the VR needs
    EOFError,  # the end in the middle of an element
    InvalidDicomError,  # no DICM prefix, no file meta information
    LookupError,  # a character set, a tag or a value that is not there
    NotImplementedError,  # a VR or a transfer syntax that it does not know
    OSError,  # "no tag to read" within a sequence; of files see `is_from_the_disk`
    RecursionError,  # sequences within sequences
    TypeError,  # None or a list where one value should be
    ValueError,  # text that is no number, no UID and no date; bytes that are no text
    struct.error,  # too few bytes for a number
)


def is_from_the_disk(fault: Exception) -> bool:
    """Whether a file could not be read, as against read and not understood.

    The operating system numbers its errors; an OSError that pydicom makes has no number.
    """
    return isinstance(fault, OSError) and fault.errno is not None
