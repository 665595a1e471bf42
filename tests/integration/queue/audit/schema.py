"""The grammar of audit messages, and what a message says, read by lxml."""

from __future__ import annotations

import functools
from pathlib import Path

from lxml import etree

_GRAMMAR = Path(__file__).with_name("audit_message.rng")


@functools.cache
def audit_schema() -> etree.RelaxNG:
    """The grammar."""
    return etree.RelaxNG(etree.parse(_GRAMMAR))


def read_message(content: bytes) -> etree._Element:
    """A message by the grammar; an AssertionError says what is wrong with it."""
    message = etree.fromstring(content)
    schema = audit_schema()
    assert schema.validate(message), (schema.error_log, content)
    return message
