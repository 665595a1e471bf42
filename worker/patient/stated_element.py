"""Reads an element by the value representation that PS3.6 has for it, whatever the file says.

Senders write Patient ID as SH and Accession Number as LO (PS3.5 Section 6.2 has a VR for each
element in PS3.6, and an explicit VR that is another one breaks it). The bytes of a text are the
same under either. Bytes of a number are no text: such an element cannot be read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from pydicom import DataElement, Dataset
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement, convert_raw_data_element
from pydicom.sequence import Sequence as Items

from dicom_node.library_faults import PYDICOM_FAULTS

_DEFAULT: Final = "iso8859"  # what pydicom reads the default repertoire with
_ANYTHING: Final = ("OB", "OW", "UN")  # gateways write what they do not know under these
# PS3.5 Table 6.2-1: their bytes are numbers
_NUMBERS: Final = frozenset(
    ("AT", "FD", "FL", "OD", "OF", "OL", "OV", "SL", "SS", "SV", "UL", "US", "UV")
)
# PS3.5 Section 6.1.2.3: the VRs that Specific Character Set applies to
_IN_ANY_CHARACTER_SET: Final = frozenset(["LO", "LT", "PN", "SH", "ST", "UC", "UT"])


def stated_element(dataset: Dataset, keyword: str) -> DataElement | None:
    """The element, with the VR of PS3.6; None where it is not there.

    Parameters
    ----------
    dataset : as it was read, whichever of its elements are decoded already

    Raises
    ------
    ValueError, or another of PYDICOM_FAULTS
        It cannot be read as what PS3.6 says that it is.
    """
    if keyword not in dataset:
        return None
    kept = dataset.get_item(keyword)  # as it came: decoding by a wrong VR may lose what it says
    needed = dictionary_VR(kept.tag)
    if kept.VR in (None, "UN", needed):
        element = dataset[keyword]
        if needed == element.VR:
            return element
    if not _may_be_read_as(kept.VR, needed):
        raise ValueError("the VR is of another kind than that of PS3.6")
    element = _converted(dataset, kept, needed)
    if needed != element.VR:  # pydicom tries others where this one does not hold the value
        raise ValueError("the value is not what the VR of PS3.6 holds")
    return element


def _converted(dataset: Dataset, kept: RawDataElement | DataElement, needed: str) -> DataElement:
    encoding = dataset.original_character_set or [_DEFAULT]
    if isinstance(kept, RawDataElement):
        return convert_raw_data_element(kept._replace(VR=needed), encoding=encoding, ds=dataset)
    text = _text(kept.value)
    if kept.VR in _IN_ANY_CHARACTER_SET:
        return DataElement(kept.tag, needed, text)
    content = kept.value if isinstance(kept.value, bytes) else text.encode(_DEFAULT)
    raw = RawDataElement(kept.tag, needed, len(content), content, 0, False, True)
    return convert_raw_data_element(raw, encoding=encoding, ds=dataset)


def _may_be_read_as(stated: str | None, needed: str) -> bool:
    """Whether bytes under one VR can mean the same under another."""
    if "SQ" in (stated, needed):
        return stated in (None, "SQ", *_ANYTHING) and needed == "SQ"
    return stated not in _NUMBERS and needed not in _NUMBERS


def _text(value: Any) -> str:
    if isinstance(value, str | bytes) or not isinstance(value, Sequence):
        return str(value or "")
    return "\\".join(str(one) for one in value)


def stated_text(dataset: Dataset, keyword: str) -> str:
    r"""All of the value without padding, several values with a backslash between; "" where absent.

    Raises
    ------
    ValueError, or another of PYDICOM_FAULTS
        It cannot be read as what PS3.6 says that it is.
    """
    element = stated_element(dataset, keyword)
    if element is None or element.value is None:
        return ""
    return "\\".join(one.strip(" \0") for one in _text(element.value).split("\\")).strip(" \0")


def stated_items(dataset: Dataset, keyword: str) -> Sequence[Dataset]:
    """The items of a sequence; none where it is absent or cannot be read."""
    try:
        element = stated_element(dataset, keyword)
    except PYDICOM_FAULTS:
        return ()
    return element.value if element is not None and isinstance(element.value, Items) else ()
