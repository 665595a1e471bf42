"""Checks a site's order before the training: the base bundle and the new version."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path

from models.candidates import candidates_folder, check_version, next_version, read_candidates
from models.catalogue import UsableBundle, read_catalogue
from radiology.errors import BundleRejected, SettingsRefused
from training.site.bundle import EVALUATION
from training.site.cases import SiteCases


@dataclass(frozen=True)
class TrainingOrder:
    """What was asked for; see `training.new_cases`."""

    new_cases: Path
    bundles: Path
    base: tuple[str, str]
    version: str | None
    data: Path | None
    steps: int
    build: Path
    report: Path | None
    seed: int
    replace: bool

    @property
    def target(self) -> Path:
        """The candidate's place."""
        name, version = self.base[0], self.version or ""
        return candidates_folder(self.bundles) / name / version


def choose_base(order: TrainingOrder) -> UsableBundle:
    """The bundle or candidate to go on from, of either schema.

    Raises
    ------
    BundleRejected, SettingsRefused
        There is none.
    """
    name, version = order.base
    if not order.bundles.is_dir():
        raise SettingsRefused(f"There is no folder {order.bundles}; --bundles names the bundles'")
    catalogue = read_catalogue(order.bundles)
    if not version:
        return catalogue.newest(name)
    there = {**read_candidates(order.bundles).usable, **catalogue.usable}
    found = there.get((name, version))
    if found is None:
        known = ", ".join("/".join(key) for key in sorted(there)) or "none"
        raise BundleRejected(f"No usable bundle {name}/{version}; there are: {known}")
    return found


def settle(order: TrainingOrder, base: UsableBundle) -> TrainingOrder:
    """The order with its version settled; refuses one that is taken.

    Raises
    ------
    SettingsRefused
        The version is in use, or waits and may not be replaced.
    """
    version = order.version or next_version(order.bundles, base.name, base.version)
    settled = replace(order, version=check_version(version), base=(base.name, base.version))
    taken = f"{base.name}/{version}"
    if version == base.version:
        raise SettingsRefused(f"{taken} is the base itself; a candidate needs another version")
    if (order.bundles / base.name / version).exists():
        raise SettingsRefused(f"{taken} is released; a released version is never replaced")
    if settled.target.exists() and not order.replace:
        raise SettingsRefused(f"{taken} is a candidate already; --replace replaces it")
    return settled


def trained_before(base: UsableBundle) -> frozenset[str]:
    """Digests of the slices of sites that the base, or its own base, was trained on."""
    path = base.folder / EVALUATION
    if not path.is_file():
        return frozenset()
    return frozenset(json.loads(path.read_text(encoding="utf-8")).get("trained_pictures", ()))


def build_folder(
    order: TrainingOrder, base: UsableBundle, cases: SiteCases, data: dict[str, str]
) -> Path:
    """Checkpoints of this very training: another base, case or seed must not go on with them."""
    words = (base.digest, cases.digest, json.dumps(data, sort_keys=True), str(order.seed))
    return order.build / hashlib.sha256("\n".join(words).encode()).hexdigest()[:16]
