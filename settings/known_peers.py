"""Peers: who they are, by what they do, and what they ask of us."""

from __future__ import annotations

from typing import Self

from pydantic import (
    BaseModel,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from radiology.errors import SettingsRefused
from settings.peers import Peer, PeerRole
from settings.tls import DicomTls

_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


class KnownPeers(BaseModel):
    """The settings that say so; part of `settings.environment.Settings`."""

    dicom_tls: DicomTls | None = None  # above the peers, which it completes
    peers: tuple[Peer, ...] = ()
    stow_secrets: dict[str, SecretStr] = Field(default_factory=dict)  # by peer

    @field_validator("peers")
    @classmethod
    def _complete_tls(cls, peers: tuple[Peer, ...], info: ValidationInfo) -> tuple[Peer, ...]:
        """Give each peer with TLS what it leaves to `dicom_tls`, so that it stands for itself."""
        ours = info.data.get("dicom_tls")
        refused = "dicom_tls" not in info.data  # said already; nothing is said of the peers then
        return peers if refused else tuple(peer.with_tls_of(ours) for peer in peers)

    @model_validator(mode="after")
    def _check_peers(self) -> Self:
        names = [peer.name for peer in self.peers]
        if len(names) != len(set(names)):
            raise ValueError("two peers share a name")
        unknown = sorted(set(self.stow_secrets) - set(names))
        if unknown:
            raise ValueError(f"stow_secrets names no peer: {', '.join(unknown)}")
        for peer in self.peers:
            self._check_secret(peer)
        return self

    def _check_secret(self, peer: Peer) -> None:
        """A secret is given once, for a peer that uses it, and is never sent in clear."""
        both = peer.name in self.stow_secrets and peer.stow_secret_file is not None
        has_one = peer.name in self.stow_secrets or peer.stow_secret_file is not None
        if both:
            raise ValueError(f"peer {peer.name}: its secret is given twice")
        if peer.stow_user and not has_one:
            raise ValueError(f"peer {peer.name}: stow_user needs a secret")
        if not has_one:
            return
        if peer.stow_url is None:
            raise ValueError(f"peer {peer.name}: it has a secret and no stow_url")
        if peer.stow_url.scheme != "https" and peer.stow_url.host not in _LOOPBACK:
            raise ValueError(f"peer {peer.name}: a secret is only sent over https")

    @property
    def sources(self) -> tuple[Peer, ...]:
        """Peers that may send to us."""
        return tuple(peer for peer in self.peers if PeerRole.SOURCE in peer.roles)

    @property
    def destinations(self) -> tuple[Peer, ...]:
        """Peers that results are sent to."""
        return tuple(peer for peer in self.peers if PeerRole.DESTINATION in peer.roles)

    @property
    def echoed(self) -> tuple[Peer, ...]:
        """Destinations that C-ECHO tells of; a DICOMweb service has nothing like it."""
        return tuple(
            peer for peer in self.destinations if peer.has_address and peer.stow_url is None
        )

    @property
    def worklist_clients(self) -> tuple[Peer, ...]:
        """Peers that may find, watch and take our work items."""
        return tuple(peer for peer in self.peers if PeerRole.WORKLIST_CLIENT in peer.roles)

    @property
    def told_of_work_items(self) -> tuple[Peer, ...]:
        """Worklist clients that can be told what happens to our work items."""
        return tuple(peer for peer in self.worklist_clients if peer.has_address)

    @property
    def committing(self) -> tuple[Peer, ...]:
        """Destinations that are asked for storage commitment, and call us with their answer."""
        return tuple(peer for peer in self.destinations if peer.storage_commitment)

    def stow_secret(self, peer: Peer) -> SecretStr | None:
        """The password or token for a peer's DICOMweb service; None where it asks for none.

        Raises
        ------
        SettingsRefused
            The file that should hold it cannot be read.
        """
        if peer.stow_secret_file is None:
            return self.stow_secrets.get(peer.name)
        try:
            return SecretStr(peer.stow_secret_file.read_text().strip())
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsRefused(
                "The file with a peer's secret cannot be read: correct "
                "stow_secret_file, or who may read it",
                peer=peer.name,
            ) from error
