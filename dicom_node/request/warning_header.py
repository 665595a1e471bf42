"""What a DICOMweb service says in its own words: the Warning header of its answer.

PS3.18 Sections 10.5.3 (store) and 11.4.3 (work items), RFC 7234 Section 5.5.
"""

from __future__ import annotations

import re
from typing import Final

import httpx

from radiology.words.peer_words import readable

_QUOTED: Final = re.compile(r'"([^"]*)"')  # 299 service "text"


def warning_of(response: httpx.Response) -> str:
    """The text of a Warning header, made readable; "" where there is none."""
    header = response.headers.get("Warning", "")
    found = _QUOTED.search(header)
    return readable(found.group(1) if found else header)
