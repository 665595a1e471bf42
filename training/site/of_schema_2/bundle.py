"""Writes a candidate of schema 2: the base's bundle with what was trained further."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from models.declared.network_files import NetworkFiles, Precision
from models.declared.released import GOLDEN, file_digest
from models.declared.section import DECLARATION
from models.onnx_session import runner_on_cpu
from models.schema_2.bundle import Bundle, read_bundle
from models.schema_2.golden import make_patches, make_views
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
from training.scoring.report import ClassificationReport, Report, SegmentationReport
from training.segmentation.network import ChestNet
from training.segmentation.operating_point import SuspicionScale
from training.site.bundle import some_of, with_site_licence
from training.site.of_schema_2.read_back import renew_classification, renew_segmentation

_CALIBRATION_SLICES = 48
_CALIBRATION_VIEWS = 96

Arrays = NDArray[np.float32]


@dataclass(frozen=True)
class _AsReleased:
    """A network that was not trained further."""

    network: str
    on_cpu: str


Written = _AsReleased | Parity


@dataclass(frozen=True)
class PairCandidate:
    """Both networks in both forms in a folder, with their golden answers."""

    base: Bundle
    folder: Path
    networks: tuple[Written, ...]

    def declare(self) -> Bundle:
        """See `training.site.learner.WrittenCandidate.declare`."""
        licences = with_site_licence(self.base.licences)
        digests: Mapping[str, str] = {
            path.name: file_digest(path)
            for path in self.folder.iterdir()
            if path.name != DECLARATION
        }
        text = declaration(
            self.folder.name,
            digests,
            _declared_by(self.base),
            self.networks,
            [(one.data, one.licence) for one in licences],
        )
        (self.folder / DECLARATION).write_text(text, encoding="utf-8")
        bundle = read_bundle(self.folder)
        if not _same_in_use(self.base, bundle):
            raise BundleRejected(
                "The base is declared otherwise than this program declares bundles"
            )
        return bundle


@dataclass(frozen=True)
class PairLearnt:
    """What came out of the training, and the slices that it learnt from.

    Attributes
    ----------
    segmentation, classification : None where the base's goes on unchanged
    site, views : the slices trained on, as either network sees them
    more_patches, more_views : of our own slices, for the ranges of int8; may be empty
    """

    base: Bundle
    learnt: str
    steps: Mapping[str, int]
    segmentation: ChestNet | None
    classification: Ensemble | None
    site: SliceSet
    views: ViewSet | None
    more_patches: Arrays
    more_views: Arrays

    def write(self, folder: Path) -> PairCandidate:
        """See `training.site.learner.LearntNetworks.write`."""
        folder.mkdir(parents=True)
        networks = (_write_segmentation(self, folder), _write_classification(self, folder))
        write_golden(folder / GOLDEN, _golden(folder))
        return PairCandidate(self.base, folder, networks)


def _copy(network: str, files: NetworkFiles, folder: Path) -> _AsReleased:
    for precision, name in zip(Precision, file_names(network), strict=True):
        shutil.copyfile(files.path(precision), folder / name)
    return _AsReleased(network, files.on_cpu)


def _write_segmentation(learnt: PairLearnt, folder: Path) -> Written:
    base = learnt.base
    files = base.networks.segmentation
    if learnt.segmentation is None:
        return _copy("segmentation", files, folder)
    float32, int8 = (folder / name for name in file_names("segmentation"))
    renew_segmentation(learnt.segmentation, files.float32, float32)
    patches = to_network_input(torch.from_numpy(learnt.site.hu.astype(np.float32))[:, None]).numpy()
    patches = np.concatenate([some_of(patches, _CALIBRATION_SLICES), learnt.more_patches])
    quantise(float32, int8, patches)
    site = learnt.site
    return segmentation_parity_on(float32, int8, site, site, base.lesion.threshold)


def _write_classification(learnt: PairLearnt, folder: Path) -> Written:
    files = learnt.base.networks.classification
    assert files is not None
    if learnt.classification is None or learnt.views is None:
        return _copy("classification", files, folder)
    float32, int8 = (folder / name for name in file_names("classification"))
    renew_classification(learnt.classification, files.float32, float32)
    views = views_as_input(learnt.views)
    quantise(float32, int8, np.concatenate([some_of(views, _CALIBRATION_VIEWS), learnt.more_views]))
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
