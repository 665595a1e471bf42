"""Whoever brings instances: a peer by an association (DIMSE), or a request of STOW-RS."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Protocol

from settings.peers import Peer

STOW_RS = "STOW-RS"
"""What stands where an association has the calling AE title; a peer's own title has no other use
there than to say where a study came from."""


class Sender(Protocol):
    """What storing needs to know of whoever sends.

    Attributes
    ----------
    association_id : of the row that says who brought an instance
    peer : the entry in the settings that the sender matches
    refused : how many of its objects were not stored
    quarantined : how many of them were put into quarantine
    studies : how many instances it has brought, by Study Instance UID
    """

    association_id: int | None
    peer: Peer | None
    refused: int
    quarantined: int
    studies: Counter[str]

    @property
    def calling_ae_title(self) -> str:
        """The title that the peer gave for itself."""

    def first(self, event: str, about: str) -> bool:
        """Whether this happens for the first time with this sender."""

    def facts(self) -> dict[str, Any]:
        """Identifiers for log events."""


@dataclass
class WebSender:
    """Whoever sends one STOW-RS request.

    Attributes
    ----------
    address : where the request came from
    """

    association_id: int | None
    address: str
    peer: Peer | None = None
    refused: int = 0
    quarantined: int = 0
    studies: Counter[str] = field(default_factory=Counter)
    _noted: set[tuple[str, str]] = field(default_factory=set)

    @property
    def calling_ae_title(self) -> str:
        """The same for all of them: they are known by their accounts, which audit events name."""
        return STOW_RS

    def first(self, event: str, about: str) -> bool:
        """Whether this happens for the first time in this request."""
        if (event, about) in self._noted:
            return False
        self._noted.add((event, about))
        return True

    def facts(self) -> dict[str, Any]:
        """Identifiers of this request for log events."""
        return {
            "association_id": self.association_id,
            "calling_ae_title": self.calling_ae_title,
            "address": self.address,
        }
