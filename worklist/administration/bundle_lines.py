"""Bundles as the administrator sees them: in use or not, loaded where, and what waits for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from database.jobs.bundles_in_use import bundle_queues
from database.process_signs import LoadedFacts, loaded_bundles
from database.session import Session
from models.catalogue import versions_on_disk
from models.signatures.check_signature import Trust, Vouched, check_signature
from radiology.errors import BundleRejected
from settings.environment import Settings


@dataclass(frozen=True, slots=True)
class SignatureLine:
    """Who vouches for the newest version on disk, by its declaration alone.

    Attributes
    ----------
    signers : names of trusted keys; empty where none of them has signed
    unknown : whether somebody else has
    refused : whether the signature is wrong, or missing where one is required
    """

    signers: tuple[str, ...] = ()
    unknown: bool = False
    refused: bool = False


@dataclass(frozen=True, slots=True)
class BundleLine:
    """One bundle that is in use, loaded somewhere, or has jobs that were not brought to an end."""

    name: str
    in_use: bool
    newest: str  # version on disk, damaged or not; "" where there is none
    signature: SignatureLine | None  # of the newest; None where there is none
    loaded: tuple[LoadedFacts, ...]
    waiting: int
    in_hand: int
    not_wanted: int


def bundle_lines(session: Session, settings: Settings, now: datetime) -> tuple[BundleLine, ...]:
    """Those in use in the order of the settings, then the others by name."""
    queues, loaded = bundle_queues(session, now), loaded_bundles(session, now)
    trust = Trust.by(settings.bundle_signatures)
    others = ({*queues} | {one.bundle for one in loaded}) - set(settings.bundles)
    lines = []
    for name in (*settings.bundles, *sorted(others)):
        queue = queues.get(name)
        newest = (versions_on_disk(settings.bundles_folder, name) or ("",))[-1]
        lines.append(
            BundleLine(
                name=name,
                in_use=name in settings.bundles,
                newest=newest,
                signature=(
                    _signature(settings.bundles_folder / name / newest, trust) if newest else None
                ),
                loaded=tuple(one for one in loaded if one.bundle == name),
                waiting=queue.waiting if queue else 0,
                in_hand=queue.in_hand if queue else 0,
                not_wanted=queue.not_wanted if queue else 0,
            )
        )
    return tuple(lines)


def _signature(folder: Path, trust: Trust) -> SignatureLine:
    try:
        found = check_signature(folder, trust)
    except BundleRejected:
        return SignatureLine(refused=True)
    return SignatureLine(found.signers, unknown=found.vouched is Vouched.UNKNOWN)
