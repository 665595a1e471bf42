"""Peers: the application entities that we accept instances from and send results to."""

from __future__ import annotations

from dataclasses import fields
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from radiology.encoding_profile import (
    EncodingChoice,
    EncodingProfile,
    SegmentationForm,
    SegmentScope,
)
from radiology.errors import SettingsRefused
from radiology.identity import AETitle, checked_ae_title


def _ae_title(text: str) -> AETitle:
    try:
        return checked_ae_title(text)
    except SettingsRefused as error:
        raise ValueError(error.message) from error  # what pydantic collects


CheckedAETitle = Annotated[AETitle, AfterValidator(_ae_title)]
"""An AE title that is checked when the settings are read."""


class PeerRole(StrEnum):
    """What a peer is to us. One peer, for instance a PACS, may be all of them."""

    SOURCE = "source"
    DESTINATION = "destination"
    QUERY = "query"  # asked for a patient's earlier studies


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
    needs host and port, and so does a peer that is queried; to send what we ask for, that one must
    be a source too. What a destination gets is its `encoding`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    ae_title: CheckedAETitle
    host: str | None = None
    port: int | None = Field(default=None, ge=1, le=65535)
    roles: frozenset[PeerRole] = frozenset({PeerRole.SOURCE})
    priority: RequestPriority = RequestPriority.ROUTINE

    # What a destination gets: `EncodingChoice` says what each means
    profile: EncodingProfile = EncodingProfile.VIEWER
    segmentation: SegmentationForm = SegmentationForm.BINARY
    omit_empty_frames: bool = True
    segments: SegmentScope = SegmentScope.LUNGS
    capture_when_negative: bool = True
    encapsulated_pdf: bool = False

    @model_validator(mode="after")
    def _check_address(self) -> Self:
        for role in (PeerRole.DESTINATION, PeerRole.QUERY):
            if role in self.roles and (self.host is None or self.port is None):
                raise ValueError(f"peer {self.name}: a {role} needs host and port")
        return self

    @model_validator(mode="after")
    def _check_encoding(self) -> Self:
        chosen = self.model_fields_set & _ENCODING
        if chosen and PeerRole.DESTINATION not in self.roles:
            raise ValueError(
                f"peer {self.name}: {' and '.join(sorted(chosen))} say what a destination gets, "
                "and it is none"
            )
        contradiction = self.encoding.contradiction(chosen)
        if contradiction is not None:
            raise ValueError(f"peer {self.name}: {contradiction}")
        return self

    @property
    def encoding(self) -> EncodingChoice:
        """What this peer gets as a destination."""
        return EncodingChoice(**{name: getattr(self, name) for name in _ENCODING})


_ENCODING = frozenset(field.name for field in fields(EncodingChoice))
