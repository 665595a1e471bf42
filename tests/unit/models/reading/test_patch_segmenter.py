"""A 3-D patch segmenter is run, measured and judged as numbers worked out without it say."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial.distance import pdist

from models.declared_bundle import DeclaredBundle
from models.read_volume import read_volume
from models.run.declared_network import DeclaredNetwork
from radiology.answer.finding import Presence
from radiology.answer.stored_reading import from_facts, to_facts
from radiology.errors import SettingsRefused
from radiology.image.volume import AxisOrder, Volume
from radiology.outcome import Outcome
from radiology.urgency import LimitOf, Urgency
from tests.unit.models.reading.conftest import Loaded, Read, volume_of

VOXEL_ML = 0.003
DENSE_VOXELS = 5 * 10 * 10 + 2 * 6 * 8  # without the speck of one voxel


def _truth(volume: Volume) -> tuple[np.ndarray, np.ndarray]:
    """Brain and dense voxels by their HU, without parts under 0.05 ml."""
    brain = (volume.hounsfield > 15) & (volume.hounsfield < 60)
    dense = (volume.hounsfield > 60) & (volume.hounsfield < 100)
    labels, count = ndimage.label(dense, np.ones((3, 3, 3)))
    sizes = ndimage.sum_labels(dense, labels, range(count + 1))
    return brain, dense & (sizes * volume.voxel_ml >= 0.05)[labels]


def test_masks_are_those_of_the_declared_limits(segment: Read, head: Volume) -> None:
    reading = segment(head).reading
    brain, dense = _truth(head)
    for name, wanted in (("Brain", brain), ("Hemorrhage", dense)):
        region = reading.region(name)
        found = np.stack([region.mask(at) for at in range(head.shape[0])])
        assert np.array_equal(found, wanted), name


def test_measurements_are_those_counted_by_hand(segment: Read, head: Volume) -> None:
    values = segment(head).values
    brain, dense = _truth(head)
    assert dense.sum() == DENSE_VOXELS
    farthest = pdist(np.argwhere(dense[:12]) * (3.0, 1.0, 1.0)).max()
    assert values == pytest.approx(
        {
            "dense_ml": DENSE_VOXELS * VOXEL_ML,
            "dense_share": 100.0 * DENSE_VOXELS / (DENSE_VOXELS + brain.sum()),
            "dense_hu": (500 * 70.0 + 96 * 80.0) / DENSE_VOXELS,
            "dense_parts": 2,
            "largest_mm": farthest,
            "largest_ml": 500 * VOXEL_ML,
            "brain_ml": brain.sum() * VOXEL_ML,
        }
    )


def test_finding_carries_its_measurements_and_shows_its_fullest_slices(
    segment: Read, head: Volume
) -> None:
    reading = segment(head).reading
    finding = reading.finding("bleeding")
    assert finding is not None
    assert finding.presence is Presence.SUSPECTED
    assert set(finding.key_slices) == {6, 7, 8, 9, 10}
    group = reading.group("Hemorrhage")
    assert group is not None
    written = {one.concept.meaning: (one.written, one.unit.value) for one in group.measurements}
    assert written["Volume"] == (1.8, "ml")
    assert written["Number of parts"] == (2, "1")
    brain = next(one for one in reading.groups if one.name == "Brain")
    assert brain.measurements[0].normal is not None
    assert from_facts(json.loads(json.dumps(to_facts(reading)))) == replace(reading, heat_maps={})


def test_urgency_follows_the_rows_and_a_site_may_set_a_limit(segment: Read, head: Volume) -> None:
    """1.79 ml are not the 2 ml of the bundle; the site asks for 1.5 ml, and both are told."""
    usual = segment(head).triage
    assert usual is not None
    assert (usual.urgency, usual.limit_of) == (Urgency.SUSPECTED, LimitOf.BUNDLE)
    assert (usual.seen, usual.limit) == ("Hemorrhage", "one or more findings")
    judged = segment(head, limits={"large bleeding": 1.5})
    assert judged.triage is not None
    assert judged.triage.urgency is Urgency.URGENT
    assert judged.triage.rule == "large bleeding"
    assert judged.triage.limit == "at least 1.5 ml"
    assert judged.triage.limit_of is LimitOf.SITE
    told = next(one for one in judged.reading.statements if one.name == "large bleeding")
    assert told.answer == "urgent: volume of Hemorrhage 1.788 ml, limit: at least 1.5 ml"
    assert told.note == "Limit of the site; the bundle's is at least 2 ml."


def test_limit_of_suspicion_may_be_the_sites(segment: Read, head: Volume) -> None:
    judged = segment(head, limits={"bleeding seen": 5.0})
    assert judged.reading.outcome is Outcome.NO_FINDINGS
    assert judged.triage is not None
    assert judged.triage.urgency is Urgency.ROUTINE


def test_limit_of_a_rule_that_is_not_there_is_refused(segment: Read, head: Volume) -> None:
    with pytest.raises(SettingsRefused, match='Did you mean "large bleeding"'):
        segment(head, limits={"large bleding": 1.0})


@pytest.mark.parametrize(
    "order",
    [
        AxisOrder((0, 1, 2), (True, False, False)),
        AxisOrder((0, 1, 2), (True, True, True)),
        AxisOrder((1, 0, 2), (False, True, False)),
        AxisOrder((2, 1, 0), (True, False, True)),
    ],
    ids=["feet first", "turned about", "coronal", "sagittal"],
)
def test_axes_of_the_volume_do_not_matter(segment: Read, head: Volume, order: AxisOrder) -> None:
    """The masks come back on the axes of the volume as it was given."""
    affine = head.affine.copy()
    affine[:3, :3] = affine[:3, list(order.permutation)]
    turned = order.apply(head.hounsfield)
    for axis, flip in enumerate(order.flipped):
        if flip:
            affine[:3, 3] += affine[:3, axis] * (turned.shape[axis] - 1)
            affine[:3, axis] *= -1.0
    given = Volume(np.ascontiguousarray(turned), affine)
    judged = segment(given)
    assert judged.values == pytest.approx(segment(head).values)
    region = judged.reading.region("Hemorrhage")
    found = np.stack([region.mask(at) for at in range(given.shape[0])])
    assert np.array_equal(found, _truth(given)[1])


def test_volume_of_another_spacing_is_resampled_there_and_back(segment: Read, head: Volume) -> None:
    """Twice as fine in the slice, half as thick: the same blocks within a border of a voxel."""
    fine = volume_of(np.kron(head.hounsfield, np.ones((2, 2, 2))), (1.5, 0.5, 0.5))
    values, before = segment(fine).values, segment(head).values
    assert values["dense_ml"] == pytest.approx(before["dense_ml"], rel=0.2)
    assert values["brain_ml"] == pytest.approx(before["brain_ml"], rel=0.1)
    assert values["dense_parts"] == 2


def test_volume_smaller_than_a_patch_is_read(segment: Read) -> None:
    hounsfield = np.full((5, 10, 12), 35.0)
    hounsfield[1:4, 2:8, 3:9] = 70.0
    judged = segment(volume_of(hounsfield, (3.0, 1.0, 1.0)))
    assert judged.values["dense_ml"] == pytest.approx(3 * 6 * 6 * VOXEL_ML)


def test_nothing_dense_is_no_finding(segment: Read, head: Volume) -> None:
    clear = Volume(
        np.where(head.hounsfield > 60, 35.0, head.hounsfield).astype(np.float32), head.affine
    )
    judged = segment(clear)
    assert judged.reading.outcome is Outcome.NO_FINDINGS
    assert judged.values["dense_hu"] is None
    finding = judged.reading.finding("bleeding")
    assert finding is not None
    assert finding.presence is Presence.ABSENT


def test_gate_that_refuses_leaves_no_claim(segment: Read, head: Volume) -> None:
    """Without a brain the reading is not assessable, which is no negative; and says why."""
    air = Volume(np.full(head.shape, -1000.0, dtype=np.float32), head.affine)
    judged = segment(air)
    assert judged.reading.outcome is Outcome.NOT_ASSESSABLE
    assert judged.triage is None
    assert not judged.reading.findings
    assert [one.reason for one in judged.reading.failed_gates] == ["No brain was found."]


class _Broken:
    """A network that answers what is no number for one patch."""

    at_once = 1

    def __init__(self, network: DeclaredNetwork) -> None:
        self._network = network

    def run(self, inputs: np.ndarray) -> dict[str, np.ndarray]:
        answers = dict(self._network.run(inputs))
        answers["logits"] = answers["logits"].copy()
        answers["logits"][0, 1, 0, 0, 0] = np.nan
        return answers


def test_answer_that_is_no_number_makes_the_reading_not_assessable(
    segmenter: Loaded, head: Volume
) -> None:
    bundle: DeclaredBundle = segmenter[0]
    networks = {name: _Broken(one) for name, one in segmenter[1].items()}
    reading = read_volume(head, bundle, networks).reading
    assert reading.outcome is Outcome.NOT_ASSESSABLE
    assert reading.failed_gates[0].name == "answers are numbers"
