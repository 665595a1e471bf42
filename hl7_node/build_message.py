"""Messages that we send, built and checked by hl7apy against HL7 v2.5.1.

A value is escaped here, before the library sees it: hl7apy takes text that looks like an escape
sequence for one, and leaves it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.core import Message
from hl7apy.exceptions import HL7apyException
from hl7apy.parser import parse_segment

from hl7_node.er7 import STANDARD, escape
from radiology.errors import MessageMalformed

VERSION: Final = "2.5.1"

Part = str | tuple[str, ...]
Value = str | tuple[Part, ...]
"""Text, or components, of which each is text or subcomponents."""


def segment(name: str, fields: Mapping[int, Value], *, strict: bool = True) -> Any:
    """A segment; fields are counted as in the standard, and those left out are empty.

    Parameters
    ----------
    strict : refuse values that the standard does not allow; not where we repeat a sender's own
    """
    last = max(fields)
    values = [_encoded(fields.get(number, "")) for number in range(1, last + 1)]
    if name == "MSH":
        values[:2] = [STANDARD.encoding_characters]  # MSH-1 is the separator itself
    text = STANDARD.field.join([name, *values])
    try:
        return parse_segment(text, version=VERSION, validation_level=_level(strict))
    except HL7apyException as error:
        raise MessageMalformed(segment=name, reason=type(error).__name__) from error


def _encoded(value: Value) -> str:
    if isinstance(value, str):
        return escape(value)
    parts = [
        escape(part)
        if isinstance(part, str)
        else STANDARD.subcomponent.join(escape(one) for one in part).rstrip(STANDARD.subcomponent)
        for part in value
    ]
    return STANDARD.component.join(parts).rstrip(STANDARD.component)


def _level(strict: bool) -> int:
    return int(VALIDATION_LEVEL.STRICT if strict else VALIDATION_LEVEL.TOLERANT)


def message(structure: str, header: Any, content: Iterable[Any], *, strict: bool = True) -> str:
    """A whole message as text, each segment ended by CR.

    Parameters
    ----------
    structure : for example "ORU_R01"
    header : the MSH segment
    content : segments, and groups as (name, content)
    strict : as for its segments

    Raises
    ------
    MessageMalformed
        It is not what the standard allows: a defect of ours.
    """
    try:
        whole = Message(structure, version=VERSION, validation_level=_level(strict))
        whole.msh = header
        _fill(whole, content)
        if strict:
            whole.validate()
    except HL7apyException as error:
        raise MessageMalformed(structure=structure, reason=type(error).__name__) from error
    return str(whole.to_er7()).rstrip("\r") + "\r"


def _fill(parent: Any, content: Iterable[Any]) -> None:
    for part in content:
        if isinstance(part, tuple):
            name, inside = part
            _fill(parent.add_group(name), inside)
        else:
            parent.add(part)
