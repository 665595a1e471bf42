"""A site in the body."""

from __future__ import annotations

from dataclasses import dataclass

from radiology.codes import Code


@dataclass(frozen=True, slots=True)
class Site:
    """An anatomic place (PS3.16 TID 1501 row 5, Finding Site).

    Attributes
    ----------
    laterality : a code of CID 244; None where `anatomy` has a side, or none is meant
    """

    anatomy: Code
    laterality: Code | None = None
