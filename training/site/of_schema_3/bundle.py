"""Writes a candidate of schema 3: the base's bundle with its networks trained further."""

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

from models.declared.released import GOLDEN, Licence
from models.declared.section import DECLARATION
from models.declared_bundle import DeclaredBundle
from models.release.seal import seal
from radiology.errors import BundleRejected
from training.chest.network import MaskNet
from training.chest.release.export import MASKS_FILE, SCORES_FILE
from training.chest.scores.network import ScoreNet
from training.site.bundle import CARD, EVALUATION, with_site_licence
from training.site.of_schema_3.read_back import renew_masks, renew_scores

log = logging.getLogger(__name__)

_VERSION = re.compile(r'^version\s*=\s*"[^"\n]*"', re.MULTILINE)
_LICENCE = re.compile(r"^\[\[licences\]\][^\n]*\n(?:[^\[#\n][^\n]*\n)*", re.MULTILINE)


def network_file(base: DeclaredBundle, name: str) -> Path:
    """The file of one of a chest bundle's two networks.

    Raises
    ------
    BundleRejected
        It has other files, or an int8 form, which is not made here.
    """
    path = base.folder / name
    files = [one for one in base.networks.values() if one.float32 == path]
    if not files or files[0].int8 is not None:
        raise BundleRejected(
            f"{base.name}/{base.version} has not the networks that are trained today, "
            f"{MASKS_FILE} and {SCORES_FILE}, each in one form; take a newer one as the base"
        )
    return path


@dataclass(frozen=True)
class ChestLearnt:
    """What came out of the training; a network that did not go on is None."""

    base: DeclaredBundle
    learnt: str
    steps: Mapping[str, int]
    masks: MaskNet | None
    scores: ScoreNet | None

    def write(self, folder: Path) -> ChestCandidate:
        """See `training.site.learner.LearntNetworks.write`."""
        folder.mkdir(parents=True)
        for name in self.base.files - {GOLDEN, CARD, EVALUATION}:
            shutil.copyfile(self.base.folder / name, folder / name)
        if self.masks is not None:
            renew_masks(self.masks, network_file(self.base, MASKS_FILE), folder / MASKS_FILE)
        if self.scores is not None:
            renew_scores(self.scores, network_file(self.base, SCORES_FILE), folder / SCORES_FILE)
        return ChestCandidate(self.base, folder)


@dataclass(frozen=True)
class ChestCandidate:
    """The networks in a folder, with the other files of the base."""

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
