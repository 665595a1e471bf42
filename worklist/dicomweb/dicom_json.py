"""The DICOM JSON Model (PS3.18 Annex F) of a data set, with addresses for what is large.

Values are in UTF-8 whatever the character set of the data set. Numbers that JSON has no word for
are strings (F.2.3), and so are decimal and integer strings that are no numbers. An attribute that
cannot be read at all is left out, and the log says which.
"""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Callable
from typing import Any, Final

from pydicom.datadict import dictionary_VR
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.tag import BaseTag
from pydicom.valuerep import PersonName

from settings.log.log_events import get_logger
from worklist.dicomweb.data_sets import FAULTS, LARGE_BYTES

_log = get_logger("worklist")
UTF_8: Final = "ISO_IR 192"
INLINE_BYTES: Final = 1024  # longer binary values have an address
_PIXELS: Final = frozenset((0x7FE00008, 0x7FE00009, 0x7FE00010))
_CHARACTER_SET: Final = 0x00080005
_BINARY: Final = frozenset(("OB", "OD", "OF", "OL", "OV", "OW", "UN"))
# F.2.2: of these a value may stand elsewhere.
_MAY_BE_ELSEWHERE: Final = _BINARY | frozenset(
    ("DS", "FL", "FD", "IS", "LT", "SL", "SS", "ST", "SV", "UC", "UL", "US", "UT", "UV")
)
_FLOATS, _INTEGERS = frozenset(("FL", "FD")), frozenset(("SL", "SS", "UL", "US", "SV", "UV"))
_EXACT: Final = 2**53  # larger integers are no numbers to every reader of JSON
_UNDEFINED: Final = 0xFFFFFFFF

Address = Callable[[str], str]
"""From the place of an attribute within its data set, as `00081140/1/00081155`, to an address."""


def json_of(data_set: Dataset, address: Address, place: str = "") -> dict[str, Any]:
    """The model of a data set.

    Parameters
    ----------
    address : where the value of an attribute can be had
    place : of the data set itself, where it is an item of a sequence
    """
    found: dict[str, Any] = {}
    for tag in sorted(data_set.keys()):
        if tag.group in (0x0000, 0x0002) or tag.element == 0 or tag == 0xFFFCFFFC:
            continue
        try:
            found[f"{tag:08X}"] = _attribute(data_set, tag, address, place)
        except FAULTS as error:
            text = _as_text(data_set, tag)
            if text is None:
                _log.warning(
                    "attribute_not_shown", tag=f"{tag:08X}", error_kind=type(error).__name__
                )
            else:
                found[f"{tag:08X}"] = text
    return found


def _attribute(data_set: Dataset, tag: BaseTag, address: Address, place: str) -> dict[str, Any]:
    here = f"{place}{tag:08X}"
    raw = data_set.get_item(tag)
    assert raw is not None
    if _is_elsewhere(raw, tag):
        return {"vr": _vr_of(raw, tag), "BulkDataURI": address(here)}
    element = data_set[tag]
    if element.VR == "SQ":
        items = [
            json_of(item, address, f"{here}/{number}/")
            for number, item in enumerate(element.value or (), start=1)
        ]
        return {"vr": "SQ", "Value": items} if items else {"vr": "SQ"}
    return _value(element)


def _is_elsewhere(raw: DataElement | RawDataElement, tag: BaseTag) -> bool:
    if tag in _PIXELS:
        return True
    if isinstance(raw, RawDataElement):
        length = raw.length
    else:
        length = len(raw.value) if isinstance(raw.value, bytes | str) else 0
    vr = _vr_of(raw, tag)
    limit = INLINE_BYTES if vr in _BINARY else LARGE_BYTES
    return vr in _MAY_BE_ELSEWHERE and (length == _UNDEFINED or length > limit)


def _vr_of(raw: DataElement | RawDataElement, tag: BaseTag) -> str:
    if raw.VR is not None and raw.VR != "UN":
        return str(raw.VR)
    try:
        vr = dictionary_VR(tag)
    except KeyError:
        return "UN"
    return vr[-2:] if " or " in vr else vr  # "OB or OW", "US or SS"


def _value(element: DataElement) -> dict[str, Any]:
    vr, value = str(element.VR), element.value
    if vr in _BINARY or isinstance(value, bytes):
        content = bytes(value or b"")
        vr = vr if vr in _BINARY else "UN"
        return {"vr": vr, "InlineBinary": b64encode(content).decode()} if content else {"vr": vr}
    values = list(value) if isinstance(value, MultiValue | list | tuple) else [value]
    if int(element.tag) == _CHARACTER_SET and any(values):
        values = [UTF_8]  # in which the model is written
    shown = [_one(vr, one) for one in values]
    return {"vr": vr, "Value": shown} if any(one is not None for one in shown) else {"vr": vr}


def _one(vr: str, value: Any) -> Any:
    if value is None or value == "":
        return None
    if vr == "PN":
        return _name(value)
    if vr == "AT":
        return f"{int(value):08X}"
    if vr in _FLOATS:
        return _number(float(value))
    if vr in ("DS", "IS"):
        return _decimal(vr, value)
    if vr in _INTEGERS:
        return int(value) if abs(int(value)) < _EXACT else str(int(value))
    return str(value)


def _name(value: Any) -> dict[str, str] | None:
    name = value if isinstance(value, PersonName) else PersonName(value)
    groups = {
        "Alphabetic": name.alphabetic,
        "Ideographic": name.ideographic,
        "Phonetic": name.phonetic,
    }
    return {group: str(text) for group, text in groups.items() if text} or None


def _decimal(vr: str, value: Any) -> float | int | str:
    """A decimal or integer string; as it came where it is no number."""
    try:
        return int(value) if vr == "IS" else _number(float(value))
    except ValueError:
        return str(value).strip()


def _number(value: float) -> float | int | str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return int(value) if value.is_integer() and abs(value) < _EXACT else value


def _as_text(data_set: Dataset, tag: BaseTag) -> dict[str, Any] | None:
    """A decimal or integer string that is no number, as it came."""
    raw: DataElement | RawDataElement | None = data_set.get_item(tag)
    if not isinstance(raw, RawDataElement) or not isinstance(raw.value, bytes):
        return None
    vr = _vr_of(raw, tag)
    if vr not in ("DS", "IS") or len(raw.value) > LARGE_BYTES:
        return None
    return {"vr": vr, "Value": [one.strip() for one in raw.value.decode("latin-1").split("\\")]}
