"""Which series show another part of the body than a bundle for chests reads.

Those of schema 2 do not declare which part that is, and headers often leave it out. Who knows is
named and not imported, as in `models.older_readings`: the folder of an organ stands above this one.
"""

from __future__ import annotations

from pkgutil import resolve_name
from typing import NamedTuple, Protocol, cast

from radiology.image.series import SeriesHeader

_WHO_KNOWS = "chest.body_part:no_chest"


class OtherBodyPart(NamedTuple):
    """What the header names, what is read, and the reason to refuse, all for a person."""

    seen: str
    limit: str
    reason: str


class _Judge(Protocol):
    def __call__(self, series: SeriesHeader) -> OtherBodyPart | None: ...


def other_body_part(series: SeriesHeader) -> OtherBodyPart | None:
    """The other part of the body that a header names; None where it names none."""
    return cast("_Judge", resolve_name(_WHO_KNOWS))(series)
