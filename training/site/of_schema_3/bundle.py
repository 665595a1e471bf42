"""Writes a candidate of schema 3: the base's bundle with the chest network trained further."""

from __future__ import annotations

import json
import logging
import re
import shutil
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.declared.network_files import NetworkFiles
from models.declared.released import GOLDEN, Licence
from models.declared.section import DECLARATION
from models.declared_bundle import DeclaredBundle
from models.release.seal import seal
from radiology.errors import BundleRejected
from training.chest.export import write_int8
from training.chest.network import ChestSlabNet
from training.site.bundle import CARD, EVALUATION, some_of, with_site_licence
from training.site.of_schema_3.read_back import renew_chest

log = logging.getLogger(__name__)

_CALIBRATION_SLABS = 48
_VERSION = re.compile(r'^version\s*=\s*"[^"\n]*"', re.MULTILINE)
_LICENCE = re.compile(r"^\[\[licences\]\][^\n]*\n(?:[^\[#\n][^\n]*\n)*", re.MULTILINE)


def network_files(base: DeclaredBundle) -> NetworkFiles:
    """The two files of a chest bundle's one network.

    Raises
    ------
    BundleRejected
        It has several networks, or one form alone.
    """
    (files, *others) = base.networks.values()
    if others or files.int8 is None:
        raise BundleRejected(
            f"{base.name}/{base.version} has not the one network, in two forms, that is trained "
            "today; take a newer one as the base"
        )
    return files


@dataclass(frozen=True)
class SlabLearnt:
    """What came out of the training.

    Attributes
    ----------
    slabs, more_slabs : the site's slices and ours as the network sees them, shape
        (slices, 3, 256, 256), 0…1: they set the ranges of int8; ours may be none
    """

    base: DeclaredBundle
    learnt: str
    steps: Mapping[str, int]
    network: ChestSlabNet
    slabs: NDArray[np.float32]
    more_slabs: NDArray[np.float32]

    def write(self, folder: Path) -> SlabCandidate:
        """See `training.site.learner.LearntNetworks.write`."""
        folder.mkdir(parents=True)
        files = network_files(self.base)
        float32, int8 = (folder / files.path(form).name for form in files.precisions)
        anew = {float32.name, int8.name, GOLDEN, CARD, EVALUATION}
        for name in self.base.files - anew:
            shutil.copyfile(self.base.folder / name, folder / name)
        renew_chest(self.network, files.float32, float32)
        slabs = np.concatenate([some_of(self.slabs, _CALIBRATION_SLABS), self.more_slabs])
        exported = write_int8(self.network, (float32, int8), slabs)
        log.info(
            "int8 changes the class of %.2f %% of pixels of lungs and of %.2f %% of lesions",
            *(100.0 * share for share in exported.int8_changed),
        )
        return SlabCandidate(self.base, folder)


@dataclass(frozen=True)
class SlabCandidate:
    """The network in both forms in a folder, with the other files of the base."""

    base: DeclaredBundle
    folder: Path

    def declare(self) -> DeclaredBundle:
        """See `training.site.learner.WrittenCandidate.declare`; golden answers are written too."""
        old = (self.base.folder / DECLARATION).read_text(encoding="utf-8")
        licences = with_site_licence(self.base.licences)
        text = _declaration(old, self.folder.name, licences[len(self.base.licences) :])
        (self.folder / DECLARATION).write_text(text, encoding="utf-8")
        bundle = seal(self.folder)
        sealed = (self.folder / DECLARATION).read_text(encoding="utf-8")
        if bundle.licences != licences or _unchanging(sealed) != _unchanging(old):
            raise BundleRejected(
                "The base's version and licences are not where they are looked for"
            )
        return bundle


def _declaration(text: str, version: str, more: Sequence[Licence]) -> str:
    """The base's declaration with another version and more licences, every other line as it was."""
    text = _VERSION.sub(f'version = "{version}"', text, count=1)
    added = "".join(
        f"\n[[licences]]\ndata = {json.dumps(one.data)}\nlicence = {json.dumps(one.licence)}\n"
        for one in more
    )
    last = max((one.end() for one in _LICENCE.finditer(text)), default=len(text))
    return text[:last] + added + text[last:]


def _unchanging(text: str) -> dict[str, Any]:
    """What a declaration says of everything that a candidate has from its base."""
    anew = ("version", "files", "licences")
    return {key: value for key, value in tomllib.loads(text).items() if key not in anew}
