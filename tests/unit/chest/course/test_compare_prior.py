"""Phantom pairs of known change: moved, turned, with another breath, with other lesions."""

from __future__ import annotations

import numpy as np
import pytest

from chest.course.compare_prior import compare_prior
from chest.registration import register
from chest.values.change import PriorComparison
from chest.values.figures import Side
from chest.values.regions import LesionLabel
from phantom import Breath, Lesion, Phantom, Posture
from radiology.answer.lesions import Became
from tests.builders.chest.chest_pairs import diseased_ml, lobe_ml, mapped, scan, study

SHIFTED = Posture(shift_mm=(15.0, 0.0, 0.0))
TURNED = Posture(turn_degrees=(10.0, 0.0, 0.0))
EXHALED = Posture(breath=Breath(lift_mm=35.0, narrowing=0.05))
ALL_THREE = Posture((6.0, 4.0, 7.0), (9.0, -8.0, 9.0), Breath(lift_mm=35.0, narrowing=0.05))
POSTURES = {"shifted": SHIFTED, "turned": TURNED, "exhaled": EXHALED, "all three": ALL_THREE}

_GLASS, _SOLID = LesionLabel.GROUND_GLASS, LesionLabel.CONSOLIDATION
STAYS = Lesion(_GLASS, (-96.0, 44.0, -62.0), (24.0, 20.0, 26.0), 11)
GOES = Lesion(_GLASS, (-104.0, -28.0, -4.0), (16.0, 22.0, 18.0), 15)
COMES = Lesion(_GLASS, (66.0, 66.0, 12.0), (22.0, 14.0, 18.0), 16)
GROWS = Lesion(_SOLID, (84.0, 58.0, -92.0), (18.0, 12.0, 14.0), 18)
GROWN = Lesion(_SOLID, (84.0, 58.0, -92.0), (24.0, 16.0, 19.0), 18)
SHRINKS = Lesion(_GLASS, (108.0, -4.0, -28.0), (17.0, 26.0, 22.0), 14)
SHRUNK = Lesion(_GLASS, (108.0, -4.0, -28.0), (12.0, 18.0, 15.0), 14)
THEN = (STAYS, GOES, GROWS, SHRINKS)
NOW = (STAYS, COMES, GROWN, SHRUNK)


@pytest.fixture(scope="module")
def earlier() -> Phantom:
    return scan(lesions=THEN)


@pytest.fixture(scope="module", params=POSTURES)
def later(request: pytest.FixtureRequest) -> Phantom:
    return scan(lesions=NOW, posture=POSTURES[request.param])


@pytest.fixture(scope="module")
def comparison(earlier: Phantom, later: Phantom) -> PriorComparison:
    return compare_prior(study(earlier), study(later))


def test_places_are_found_again(earlier: Phantom, later: Phantom) -> None:
    """A place in a lung is found in the later CT within a block or so of where it is."""
    registration = register(mapped(earlier), mapped(later))
    inside = np.argwhere(earlier.lungs > 0)
    some = np.random.default_rng(1).choice(inside, 4000, replace=False)
    places = earlier.volume.positions_mm(some)
    truth = later.posture.place(earlier.posture.body(places))
    missed = np.linalg.norm(registration.places(places) - truth, axis=1)
    assert missed.mean() < 2.0
    assert np.percentile(missed, 95) < 4.5
    assert registration.quality.sufficient
    assert registration.quality.overlap > 0.97


def test_change_of_volume_by_lobe_is_within_a_tenth_of_the_truth(
    earlier: Phantom, later: Phantom, comparison: PriorComparison
) -> None:
    """Each lobe, and the lesions in each, change as they truly did: within 10 % of then."""
    lobes, diseased = (lobe_ml(earlier), lobe_ml(later)), (diseased_ml(earlier), diseased_ml(later))
    assert set(comparison.territories) == set(lobes[0])
    for territory, change in comparison.territories.items():
        then, now = lobes[0][territory], lobes[1][territory]
        seen = change.now.volume_ml / change.then.volume_ml
        assert seen == pytest.approx(now / then, rel=0.10)
        then, now = diseased[0][territory], diseased[1][territory]
        assert change.lesion_volume_ml == pytest.approx(now - then, abs=max(0.1 * then, 1.5))


def test_whole_lungs_have_their_true_volumes_and_density(
    earlier: Phantom, later: Phantom, comparison: PriorComparison
) -> None:
    """The lungs together are counted, not estimated."""
    total = comparison.lungs[Side.TOTAL]
    assert total.then.volume_ml == pytest.approx(earlier.lung_ml(), rel=0.005)
    assert total.now.volume_ml == pytest.approx(later.lung_ml(), rel=0.005)
    assert total.then.lesion_volume_ml == pytest.approx(earlier.lesion_ml(), rel=0.01)
    assert total.now.lesion_volume_ml == pytest.approx(later.lesion_ml(), rel=0.01)
    hounsfield = later.volume.hounsfield[later.lungs > 0]
    assert total.now.mean_hu == pytest.approx(float(hounsfield.mean()), abs=2.0)


def test_each_lesion_has_its_course(comparison: PriorComparison) -> None:
    """One comes, one goes, one grows, one shrinks and one stays, however the patient lies."""
    courses = {one.course: one for one in comparison.lesions}
    assert len(comparison.lesions) == len(courses) == len(Became)
    assert courses[Became.NEW].then_numbers == ()
    assert courses[Became.NEW].side is Side.LEFT
    assert courses[Became.RESOLVED].now_numbers == ()
    assert courses[Became.RESOLVED].side is Side.RIGHT
    assert courses[Became.UNCHANGED].side is Side.RIGHT
    for course in (Became.GROWN, Became.SHRUNK, Became.UNCHANGED):
        assert len(courses[course].then_numbers) == len(courses[course].now_numbers) == 1
    grown = courses[Became.GROWN]
    assert grown.mean_hu_now is not None
    assert grown.mean_hu_now > -200


def test_another_chest_is_compared_as_a_whole_only() -> None:
    """The vessels of another chest do not agree: no figure is given for any place in it."""
    comparison = compare_prior(study(scan(seed=3)), study(scan(seed=6)))
    assert not comparison.registration.sufficient
    assert "vessels" in comparison.registration.reason
    assert comparison.territories == {}
    assert comparison.lesions == ()
    assert comparison.lungs[Side.RIGHT].then.volume_ml > 1000


def test_orientation_of_the_acquisition_does_not_matter(earlier: Phantom) -> None:
    """A coronal acquisition of the same chest shows no change."""
    coronal = scan(lesions=THEN, orientation="coronal_to_back")
    comparison = compare_prior(study(earlier), study(coronal))
    assert comparison.registration.sufficient
    assert {one.course for one in comparison.lesions} == {Became.UNCHANGED}


def test_healthy_lungs_then_and_now() -> None:
    """Without a lesion in either study there is nothing to match, and that is an answer."""
    comparison = compare_prior(study(scan(lesions=())), study(scan(lesions=(), posture=SHIFTED)))
    assert comparison.registration.sufficient
    assert comparison.lesions == ()
    assert comparison.lungs[Side.TOTAL].lesion_growth_percent is None


def test_facts_are_plain_values(comparison: PriorComparison) -> None:
    """The result row and the page get JSON."""
    import json

    facts = json.loads(json.dumps(comparison.facts()))
    assert facts["registration"]["sufficient"] is True
    assert len(facts["territories"]) == 5
    assert {one["course"] for one in facts["lesions"]} == {one.value for one in Became}
