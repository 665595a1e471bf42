"""Peers: the application entities that we accept instances from and send results to."""

from __future__ import annotations

from dataclasses import fields
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, AnyHttpUrl, BaseModel, ConfigDict, Field, model_validator

from radiology.encoding_profile import (
    EncodingChoice,
    EncodingProfile,
    SegmentationForm,
    SegmentScope,
)
from radiology.errors import SettingsRefused
from radiology.identity import AETitle, checked_ae_title
from settings.tls import DicomTls, PeerTls


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
    WORKLIST_CLIENT = "worklist-client"  # finds, watches and claims our work items


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
    needs host and port, or `stow_url` in their place. A peer that is queried needs host and port
    too; to send what we ask for, it must be a source as well. What a destination gets is its
    `encoding`.

    Attributes
    ----------
    storage_commitment : a delivery counts as kept only once the peer has promised to keep it
    storage_commitment_timeout_s : after so long without an answer it is asked again
    reject_superseded : when a newer result is stored there, the older one is rejected by a note
    stow_url : root of its DICOMweb service; results go there and not by C-STORE
    stow_user : for basic authentication; without it a secret is a bearer token
    stow_secret_file : file with the password or token; `Settings.stow_secrets` is the other way
    stow_ca_file : certificates that its TLS certificate is checked against; default: the system's
    tls : DICOM with it goes by TLS only, in both directions, and its certificate is the one named
        here; without it, in clear
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    ae_title: CheckedAETitle
    host: str | None = None
    port: int | None = Field(default=None, ge=1, le=65535)
    roles: frozenset[PeerRole] = frozenset({PeerRole.SOURCE})
    priority: RequestPriority = RequestPriority.ROUTINE
    storage_commitment: bool = False
    storage_commitment_timeout_s: float = Field(default=600.0, gt=0)
    reject_superseded: bool = False
    stow_url: AnyHttpUrl | None = None
    stow_user: str | None = None
    stow_secret_file: Path | None = None
    stow_ca_file: Path | None = None
    tls: PeerTls | None = None

    @property
    def has_address(self) -> bool:
        """Whether an association can be requested."""
        return self.host is not None and self.port is not None

    @property
    def address(self) -> str:
        """Where it is, in one word, for a person; empty when it may be anywhere."""
        if self.stow_url is not None:
            return str(self.stow_url)
        return f"{self.host}:{self.port}" if self.has_address else self.host or ""

    # What a destination gets: `EncodingChoice` says what each means
    profile: EncodingProfile = EncodingProfile.VIEWER
    segmentation: SegmentationForm = SegmentationForm.BINARY
    omit_empty_frames: bool = True
    segments: SegmentScope | None = None
    capture_when_negative: bool = True
    encapsulated_pdf: bool = False
    mark_urgent: bool = False

    @model_validator(mode="after")
    def _check_address(self) -> Self:
        if self.has_address:
            return self
        if PeerRole.DESTINATION in self.roles and self.stow_url is None:
            raise ValueError(f"peer {self.name}: a destination needs host and port, or stow_url")
        if PeerRole.QUERY in self.roles:
            raise ValueError(f"peer {self.name}: a peer that is queried needs host and port")
        if self.storage_commitment:
            raise ValueError(f"peer {self.name}: storage_commitment needs host and port")
        return self

    @model_validator(mode="after")
    def _check_stow_url(self) -> Self:
        """A secret in the address would be shown and logged with it."""
        if self.stow_url is not None and (self.stow_url.username or self.stow_url.password):
            raise ValueError(f"peer {self.name}: stow_url must not hold user or password")
        return self

    @model_validator(mode="after")
    def _check_tls(self) -> Self:
        """Otherwise any certificate of the issuer would do for this peer."""
        if self.tls is not None and not (self.tls.names or self.tls.fingerprints or self.host):
            raise ValueError(
                f"peer {self.name}: tls needs names, fingerprints, or the peer's host: which "
                "certificate is its own?"
            )
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

    def with_tls_of(self, ours: DicomTls | None) -> Self:
        """The same peer, with the files and the profile that it leaves to the node's settings.

        Raises
        ------
        ValueError
            It wants TLS, and the node has no certificate.
        """
        if self.tls is None:
            return self
        if ours is None:
            raise ValueError(f"peer {self.name}: tls needs dicom_tls, which has our certificate")
        return self.model_copy(update={"tls": self.tls.completed(ours)})

    @property
    def encoding(self) -> EncodingChoice:
        """What this peer gets as a destination."""
        return EncodingChoice(**{name: getattr(self, name) for name in _ENCODING})


_ENCODING = frozenset(field.name for field in fields(EncodingChoice))
