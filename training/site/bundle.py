"""Write a candidate: the base's bundle with what was trained further on a site's cases.

What was not trained is copied byte for byte. Thresholds, calibration and the operating point stay
the base's: a site's few cases could not choose them better, and what a reader knows of them holds.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from models.declared.network_files import NetworkFiles, Precision
from models.onnx_session import runner_on_cpu
from models.schema_2.bundle import Bundle, read_bundle
from models.schema_2.golden import check_golden, make_patches, make_views
from models.schema_2.network_sessions import check_networks
from radiology.errors import BundleRejected
from training.classification.calibration import Calibration
from training.classification.network import Ensemble
from training.classification.views import MARGIN, VIEW, ViewSet, middle
from training.data.augment import to_network_input
from training.data.slices import SliceSet
from training.release.declaration import declaration, file_names
from training.release.export import (
    CLASSIFICATION_INPUT,
    CLASSIFICATION_OUTPUTS,
    SEGMENTATION_INPUT,
    SEGMENTATION_OUTPUTS,
)
from training.release.golden import golden_record, recipe, write_golden
from training.release.parity import Parity, classification_parity, segmentation_parity_on
from training.release.quantise import quantise
from training.release.read_back import renew_classification, renew_segmentation
from training.scoring.report import ClassificationReport, Report, SegmentationReport
from training.segmentation.network import ChestNet
from training.segmentation.operating_point import SuspicionScale

log = logging.getLogger(__name__)

_CALIBRATION_SLICES = 48
_CALIBRATION_VIEWS = 96

Arrays = NDArray[np.float32]


@dataclass(frozen=True)
class Learnt:
    """What came out of the training, and the slices that it learnt from.

    Attributes
    ----------
    segmentation, classification : None where the base's goes on unchanged
    site, views : the slices trained on, as either network sees them
    more_patches, more_views : of our own slices, for the ranges of int8; may be empty
    """

    segmentation: ChestNet | None
    classification: Ensemble | None
    site: SliceSet
    views: ViewSet | None
    more_patches: Arrays
    more_views: Arrays


@dataclass(frozen=True)
class _AsReleased:
    """A network that was not trained further."""

    network: str
    on_cpu: str


def _some(inputs: Arrays, count: int) -> Arrays:
    at = np.random.default_rng(0).choice(len(inputs), min(count, len(inputs)), replace=False)
    return inputs[np.sort(at)]


def _copy(network: str, files: NetworkFiles, folder: Path) -> _AsReleased:
    for precision, name in zip(Precision, file_names(network), strict=True):
        shutil.copyfile(files.path(precision), folder / name)
    return _AsReleased(network, files.on_cpu)


def _write_segmentation(base: Bundle, learnt: Learnt, folder: Path) -> _AsReleased | Parity:
    files = base.networks.segmentation
    if learnt.segmentation is None:
        return _copy("segmentation", files, folder)
    float32, int8 = (folder / name for name in file_names("segmentation"))
    renew_segmentation(learnt.segmentation, files.float32, float32)
    patches = to_network_input(torch.from_numpy(learnt.site.hu.astype(np.float32))[:, None]).numpy()
    patches = np.concatenate([_some(patches, _CALIBRATION_SLICES), learnt.more_patches])
    quantise(float32, int8, patches)
    site = learnt.site
    return segmentation_parity_on(float32, int8, site, site, base.lesion.threshold)


def _write_classification(base: Bundle, learnt: Learnt, folder: Path) -> _AsReleased | Parity:
    files = base.networks.classification
    assert files is not None
    if learnt.classification is None or learnt.views is None:
        return _copy("classification", files, folder)
    float32, int8 = (folder / name for name in file_names("classification"))
    renew_classification(learnt.classification, files.float32, float32)
    views = views_as_input(learnt.views)
    quantise(float32, int8, np.concatenate([_some(views, _CALIBRATION_VIEWS), learnt.more_views]))
    return classification_parity(float32, int8, learnt.views)


def views_as_input(views: ViewSet) -> Arrays:
    """What the classifier is fed of wide views."""
    inputs: Arrays = middle(torch.from_numpy(views.views).float() / 255.0).contiguous().numpy()
    return inputs


def _golden(folder: Path) -> dict[str, Any]:
    patches, views = make_patches(recipe()), make_views(recipe(), VIEW, MARGIN)
    by_precision: list[dict[str, Arrays]] = [{}, {}]
    for network, name, outputs, inputs in (
        ("segmentation", SEGMENTATION_INPUT, SEGMENTATION_OUTPUTS, patches),
        ("classification", CLASSIFICATION_INPUT, CLASSIFICATION_OUTPUTS, views),
    ):
        for file, answers in zip(file_names(network), by_precision, strict=True):
            run = runner_on_cpu(folder / file, name, outputs, 1)
            answers |= zip(outputs, run(inputs), strict=True)
    return golden_record(*by_precision)


def _declared_by(base: Bundle) -> Report:
    """The base's own thresholds in the form that the declaration is written from."""
    declared, viral = base.classification, base.case.viral
    if declared is None or viral is None:
        raise BundleRejected("The bundle has no classifier", name=base.name)
    point = base.operating_point
    nothing = np.zeros(0)
    return Report(
        segmentation=SegmentationReport(
            lesion_threshold=base.lesion.threshold,
            point=SuspicionScale(point.even_share_percent, point.slope, point.suspicion_threshold),
            figures=(),
            notes=(),
        ),
        classification=ClassificationReport(
            calibration=Calibration(1.0, nothing, nothing),  # it lies in the network itself
            viral_threshold=declared.viral_threshold,
            sign_thresholds=tuple(declared.sign_thresholds.values()),
            viral_low=viral.low,
            viral_high=viral.high,
            greatest_spread=viral.greatest_spread,
            figures=(),
            notes=(),
        ),
        floors=(),
    )


def _same_in_use(base: Bundle, bundle: Bundle) -> bool:
    """Whether a bundle is used exactly as its base is, but for the networks' weights."""

    def used(bundle: Bundle) -> tuple[object, ...]:
        return (
            *(bundle.name, bundle.intended_use, bundle.research_only, bundle.criteria, bundle.grid),
            *(bundle.lung, bundle.lesion, bundle.classification, bundle.case),
            *(bundle.algorithm.name, bundle.algorithm.manufacturer),
        )

    return used(base) == used(bundle)


def declare(
    folder: Path, base: Bundle, networks: list[_AsReleased | Parity], licence: str
) -> Bundle:
    """Write the declaration over the files that are there now, and read the bundle back.

    Raises
    ------
    BundleRejected
        The base is declared in a way that this program does not write.
    """
    licences = [(one.data, one.licence) for one in base.licences]
    mine = ("cases of the site that trained it further", licence)
    if mine not in licences:
        licences.append(mine)
    digests: Mapping[str, str] = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.name != "bundle.toml"
    }
    text = declaration(folder.name, digests, _declared_by(base), networks, licences)
    (folder / "bundle.toml").write_text(text, encoding="utf-8")
    bundle = read_bundle(folder)
    if not _same_in_use(base, bundle):
        raise BundleRejected("The base is declared otherwise than this program declares bundles")
    return bundle


def write_networks(base: Bundle, learnt: Learnt, folder: Path) -> list[_AsReleased | Parity]:
    """Write both networks in both forms, and the golden test.

    Raises
    ------
    ExportDiffers
        ONNX Runtime does not answer as PyTorch does.
    """
    folder.mkdir(parents=True)
    networks = [
        _write_segmentation(base, learnt, folder),
        _write_classification(base, learnt, folder),
    ]
    write_golden(folder / "golden.json", _golden(folder))
    return networks


def finish(folder: Path, facts: Mapping[str, Any], card: str) -> None:
    """Add what is known of the bundle; `declare` it afterwards."""
    text = json.dumps(facts, indent=1, ensure_ascii=False)
    (folder / "evaluation.json").write_text(text + "\n", encoding="utf-8")
    (folder / "MODEL_CARD.md").write_text(card, encoding="utf-8")


def release(bundle: Bundle, target: Path, *, replace: bool) -> None:
    """Test the finished bundle and move it to its place.

    Raises
    ------
    BundleRejected
        It fails its own golden test, or something lies at `target` that may not be replaced.
    """
    check_networks(bundle)
    check_golden(bundle)
    if target.exists():
        if not replace:
            raise BundleRejected(f"{target} is there already")
        shutil.rmtree(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    bundle.folder.replace(target)
    log.info("wrote the candidate %s %s", bundle.name, bundle.version)
