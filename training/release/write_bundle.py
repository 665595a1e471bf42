"""Write a bundle folder: networks in both forms, golden test, evaluation, card, declaration."""

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

from models.onnx_session import runner_on_cpu
from models.schema_2.golden import make_patches, make_views
from training.classification.network import Ensemble, ViewNet
from training.classification.stages import Figures
from training.classification.views import MARGIN, VIEW, middle
from training.data.augment import to_network_input
from training.release.declaration import NAME, declaration, file_names
from training.release.export import (
    CLASSIFICATION_INPUT,
    CLASSIFICATION_OUTPUTS,
    SEGMENTATION_INPUT,
    SEGMENTATION_OUTPUTS,
    answers_of,
    plain,
    write_classification,
    write_segmentation,
)
from training.release.golden import golden_record, recipe, write_golden
from training.release.made import Made
from training.release.model_card import model_card
from training.release.parity import Parity, classification_parity, segmentation_parity
from training.release.quantise import quantise
from training.scoring.report import Report
from training.segmentation.network import ChestNet, WithProbabilities
from training.segmentation.stages import Corpus

log = logging.getLogger(__name__)

VERSION = "2.0.0"
_CALIBRATION_SLICES = 24  # of each set
_CALIBRATION_VIEWS = 96

Arrays = NDArray[np.float32]


@dataclass(frozen=True)
class Trained:
    """What a training ends with: the networks that are shipped, and what is known of them."""

    segmentation: ChestNet
    members: tuple[ViewNet, ...]
    report: Report
    corpus: Corpus
    figures: Figures


def calibration_patches(corpus: Corpus) -> Arrays:
    """Slices that set the ranges of the int8 segmentation: the same for the same data."""
    random = np.random.default_rng(0)
    parts = []
    for part in (corpus.doctors, corpus.pseudo, corpus.lungs2d, corpus.negatives):
        count = min(_CALIBRATION_SLICES, len(part.train))
        at = np.sort(random.choice(len(part.train), count, replace=False))
        hu = torch.from_numpy(part.train.hu[at].astype(np.float32))
        parts.append(to_network_input(hu[:, None]).numpy())
    return np.concatenate(parts)


def calibration_views(figures: Figures) -> Arrays:
    """Views that set the ranges of the int8 classifier."""
    at = np.random.default_rng(0).choice(len(figures.train), _CALIBRATION_VIEWS, replace=False)
    views = middle(torch.from_numpy(figures.train.views[np.sort(at)]).float() / 255.0)
    inputs: Arrays = views.contiguous().numpy()
    return inputs


def _int8_answers(path: Path, name: str, outputs: tuple[str, ...], inputs: Arrays) -> Any:
    return dict(zip(outputs, runner_on_cpu(path, name, outputs, 1)(inputs), strict=True))


def _export(
    trained: Trained, ensemble: Ensemble, folder: Path
) -> tuple[tuple[Parity, ...], float, dict[str, Any]]:
    """Write all four networks; return parity, the largest export difference, the golden record."""
    lungs32, lungs8 = (folder / name for name in file_names("segmentation"))
    class32, class8 = (folder / name for name in file_names("classification"))
    agreements = (
        write_segmentation(trained.segmentation, lungs32),
        write_classification(ensemble, class32),
    )
    quantise(lungs32, lungs8, calibration_patches(trained.corpus))
    quantise(class32, class8, calibration_views(trained.figures))
    threshold = trained.report.segmentation.lesion_threshold
    parities = (
        segmentation_parity(lungs32, lungs8, trained.corpus, threshold),
        classification_parity(class32, class8, trained.figures.val),
    )
    patches, views = make_patches(recipe()), make_views(recipe(), VIEW, MARGIN)
    module = WithProbabilities(plain(trained.segmentation))
    float32 = {
        **answers_of(module, SEGMENTATION_OUTPUTS, patches),
        **answers_of(ensemble, CLASSIFICATION_OUTPUTS, views),
    }
    int8 = {
        **_int8_answers(lungs8, SEGMENTATION_INPUT, SEGMENTATION_OUTPUTS, patches),
        **_int8_answers(class8, CLASSIFICATION_INPUT, CLASSIFICATION_OUTPUTS, views),
    }
    largest = max(agreement.largest_difference for agreement in agreements)
    return parities, largest, golden_record(float32, int8)


def _ensemble(trained: Trained) -> Ensemble:
    calibration = trained.report.classification.calibration
    ensemble = Ensemble(
        trained.members,
        calibration.temperature,
        torch.tensor(calibration.sign_scale, dtype=torch.float32),
        torch.tensor(calibration.sign_shift, dtype=torch.float32),
    )
    ensemble.eval()
    return ensemble


def _digests(folder: Path) -> Mapping[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def write_bundle(trained: Trained, made: Made, folder: Path, version: str = VERSION) -> Path:
    """Write the bundle into `folder`/chest-ct-pneumonia/`version`, replacing what was there.

    Parameters
    ----------
    made : when, from what and how long, for the card

    Returns
    -------
    The bundle's folder.

    Raises
    ------
    ExportDiffers
        ONNX Runtime does not answer as PyTorch does; then nothing is replaced.
    """
    target = folder / NAME / version
    partial = folder / NAME / f".{version}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    parities, largest, golden = _export(trained, _ensemble(trained), partial)
    write_golden(partial / "golden.json", golden)
    facts = {
        **trained.report.entries(),
        "parity": [vars(parity) | {"on_cpu": parity.on_cpu} for parity in parities],
        "made": made.entries(),
    }
    text = json.dumps(facts, indent=1, ensure_ascii=False)
    (partial / "evaluation.json").write_text(text + "\n", encoding="utf-8")
    card = model_card(NAME, version, trained.report, parities, largest, made)
    (partial / "MODEL_CARD.md").write_text(card, encoding="utf-8")
    declared = declaration(version, _digests(partial), trained.report, parities)
    (partial / "bundle.toml").write_text(declared, encoding="utf-8")
    if target.exists():
        shutil.rmtree(target)
    partial.replace(target)
    log.info("wrote the bundle %s %s", NAME, version)
    return target
