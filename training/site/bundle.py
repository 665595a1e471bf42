"""What is the same of every candidate: the licence of a site's cases, its facts, its place.

What was not trained is copied byte for byte. Thresholds, calibration and the operating point stay
the base's: a site's few cases could not choose them better, and what a reader knows of them holds.
"""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.catalogue import UsableBundle, check_folder
from models.declared.released import Licence
from models.release.golden_answers import check_declared_golden
from models.schema_2.bundle import Bundle
from models.schema_2.golden import check_golden
from models.signatures.signature_file import signature_path
from radiology.errors import BundleRejected

log = logging.getLogger(__name__)

CARD, EVALUATION = "MODEL_CARD.md", "evaluation.json"

Arrays = NDArray[np.float32]

_OF_THE_SITE: Final = Licence(
    data="cases of the site that trained it further",
    licence="the site's own; ask the site before the bundle leaves it",
)


def with_site_licence(licences: Sequence[Licence]) -> tuple[Licence, ...]:
    """The licences of a base and that of the site's cases, which may be among them already."""
    return (*licences, *(() if _OF_THE_SITE in licences else (_OF_THE_SITE,)))


def some_of(inputs: Arrays, count: int) -> Arrays:
    """So many inputs at most, the same of the same inputs, in their order."""
    at = np.random.default_rng(0).choice(len(inputs), min(count, len(inputs)), replace=False)
    return inputs[np.sort(at)]


def finish(folder: Path, facts: Mapping[str, Any], card: str) -> None:
    """Add what is known of a candidate; it is to be declared again afterwards."""
    text = json.dumps(facts, indent=1, ensure_ascii=False)
    (folder / EVALUATION).write_text(text + "\n", encoding="utf-8")
    (folder / CARD).write_text(card, encoding="utf-8")


def release(bundle: UsableBundle, target: Path, *, replace: bool) -> None:
    """Test the finished bundle and move it to its place.

    Raises
    ------
    BundleRejected
        It fails its own golden test, or something lies at `target` that may not be replaced.
    """
    check_folder(bundle.folder)
    if isinstance(bundle, Bundle):
        check_golden(bundle)
    else:
        check_declared_golden(bundle)
    if target.exists():
        if not replace:
            raise BundleRejected(f"{target} is there already")
        shutil.rmtree(target)
        signature_path(target).unlink(missing_ok=True)  # it was of the one that is replaced
    target.parent.mkdir(parents=True, exist_ok=True)
    bundle.folder.replace(target)
    log.info("wrote the candidate %s %s", bundle.name, bundle.version)
