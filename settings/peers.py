"""Peers: the application entities that we accept instances from and send results to."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from radiology.errors import SettingsRefused
from radiology.identity import AETitle, checked_ae_title


class PeerRole(StrEnum):
    """What a peer is to us. One peer, for instance a PACS, may be both."""

    SOURCE = "source"
    DESTINATION = "destination"


class RequestPriority(StrEnum):
    """How soon a study was asked for: the terms of Requested Procedure Priority (0040,1003)."""

    STAT = "STAT"
    HIGH = "HIGH"
    ROUTINE = "ROUTINE"
    MEDIUM = "MEDIUM"
    LOW = "LOW"


class Peer(BaseModel):
    """One scanner, router or PACS.

    A source is known by its AE title and, when `host` is given, by its address too. A destination
    needs host and port.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    ae_title: AETitle
    host: str | None = None
    port: int | None = Field(default=None, ge=1, le=65535)
    roles: frozenset[PeerRole] = frozenset({PeerRole.SOURCE})
    priority: RequestPriority = RequestPriority.ROUTINE

    @field_validator("ae_title")
    @classmethod
    def _check_ae_title(cls, title: str) -> AETitle:
        try:
            return checked_ae_title(title)
        except SettingsRefused as error:
            raise ValueError(error.message) from error

    @model_validator(mode="after")
    def _check_address(self) -> Self:
        if PeerRole.DESTINATION in self.roles and (self.host is None or self.port is None):
            raise ValueError(f"peer {self.name}: a destination needs host and port")
        return self
