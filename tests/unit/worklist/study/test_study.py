"""One study: figures, rule, gates, series, steps, deliveries, earlier results."""

from __future__ import annotations

import re

import pytest

from database.states import DeliveryState
from radiology.urgency import Urgency
from tests.unit.worklist.access.visitor import Visitor
from tests.unit.worklist.list.ordinary_day import MILD, SEVERE, OrdinaryDay
from tests.unit.worklist.seeded_values import ALGORITHM
from tests.unit.worklist.seeding import SeededHospital


@pytest.fixture
def urgent_text(ordinary_day: OrdinaryDay, visitor: Visitor) -> str:
    """Give what a person reads about the urgent study."""
    return visitor.text(f"/studies/{ordinary_day.urgent}")


def test_figures_per_lung_and_total(urgent_text: str) -> None:
    """The table has a line for each lung and for both, the patient's right first."""
    assert "Volume ml Lesions ml Share % Ground glass ml Consolidation ml Mean HU" in urgent_text
    assert "Right lung 2350 173.0 7.4 142.0 31.0 −519" in urgent_text
    assert "Left lung 1980 342.0 17.3 268.0 74.0 −500" in urgent_text
    assert "Both lungs 4330 515.0 11.9 410.0 105.0 −507" in urgent_text
    assert urgent_text.index("Right lung 2350") < urgent_text.index("Left lung 1980")


def test_figures_of_findings_stand_only_where_they_are_claimed(
    ordinary_day: OrdinaryDay, visitor: Visitor
) -> None:
    """A study without findings has the volumes of its organs, and nothing else to read."""
    text = visitor.text(f"/studies/{ordinary_day.routine}")
    assert re.search(r"Measured Volume ml\s+Right lung 2350\s+Left lung 1980", text)


def test_a_study_says_what_it_was_read_as(urgent_text: str) -> None:
    """In the words that the bundle declares for its report."""
    assert "Read as chest CT, for pneumonia" in urgent_text


def test_suspicion_and_rule(urgent_text: str) -> None:
    """The suspicion stands against its threshold, beside the rule that decided."""
    assert "Suspicion 0.97 at or above the threshold of 0.50" in urgent_text
    assert "Urgency rule consolidation of 30 ml or more" in urgent_text


def test_quality_gates_show_what_they_saw(ordinary_day: OrdinaryDay, visitor: Visitor) -> None:
    """Each gate tells the value that it saw and its limit; the one that stopped stands first."""
    text = visitor.text(f"/studies/{ordinary_day.not_assessable}")
    gates = text[text.index("Quality gates") :]
    assert "slices 12 at least 40 not passed 12 slices; at least 40 are needed." in gates
    assert gates.index("not passed") < gates.index("lungs found 2 lungs")


def test_series_chosen_and_refused(urgent_text: str) -> None:
    """Every series has its decision, rule and reason."""
    assert "analysed lung reconstruction 148 slices, 2.0 mm, B70f" in urgent_text
    assert "not analysed A thinner series of the same chest was analysed." in urgent_text


def test_steps_have_the_time_between_them(urgent_text: str) -> None:
    """Steps stand in their order, each with the seconds since the one before."""
    steps = urgent_text[urgent_text.index("Steps") :]
    names = ["received", "assembled", "queued", "claimed", "selected", "decoded", "inferred"]
    places = [steps.index(f"\n{name} ") for name in names]
    assert places == sorted(places)
    assert "inferred +3.87 s" in steps
    assert "Answered 8.0 s after the last image." in steps


def test_delivery_statuses_per_object(urgent_text: str) -> None:
    """Each object shows its DIMSE status in hexadecimal and in words."""
    assert "SEG 0xA700 out of resources" in urgent_text
    assert "SR 0x0000 stored" in urgent_text
    assert "The administrator makes the destination accept our AE title" in urgent_text


def test_warning_status_counts_as_stored(ordinary_day: OrdinaryDay, visitor: Visitor) -> None:
    """A warning of the destination is shown, and is no failure."""
    assert "0xB000 stored, data elements coerced" in visitor.text(
        f"/studies/{ordinary_day.suspected}"
    )


def test_earlier_results_are_kept_and_marked(ordinary_day: OrdinaryDay, visitor: Visitor) -> None:
    """A superseded result stays readable, under a heading that says what it is."""
    text = visitor.text(f"/studies/{ordinary_day.superseding}")
    assert text.index("Suspected") < text.index("Earlier results")
    earlier = text[text.index("Earlier results") :]
    assert "Superseded Routine No lung opacities suspected version 1" in earlier
    assert "Supersedes an earlier result." in text


def test_algorithm_and_digest(urgent_text: str) -> None:
    """The page names who claims it, down to the digest of the bundle."""
    assert "Algorithm chest-ct-pneumonia 1.0.0, Firstread" in urgent_text
    assert ALGORITHM.bundle_digest in urgent_text
    assert "CPUExecutionProvider" in urgent_text


def test_failed_study_offers_to_try_again(ordinary_day: OrdinaryDay, visitor: Visitor) -> None:
    """A failed job has its button; the trace stays in the log."""
    answer = visitor.get(f"/studies/{ordinary_day.failed}")
    assert "Try again" in answer.text
    assert "secret-of-the-trace" not in answer.text


@pytest.mark.parametrize("study", ["urgent", "routine", "running", "queued", "not_assessable"])
def test_no_button_without_a_use(ordinary_day: OrdinaryDay, visitor: Visitor, study: str) -> None:
    """A study that has its result, or is on the way to it, cannot be tried again."""
    assert "Try again" not in visitor.get(f"/studies/{getattr(ordinary_day, study)}").text


def test_running_study_has_no_empty_sections(ordinary_day: OrdinaryDay, visitor: Visitor) -> None:
    """Sections that have nothing to say yet are hidden, and shown without reload later."""
    html = visitor.get(f"/studies/{ordinary_day.running}").text
    for heading in ("h-figures", "h-gates", "h-deliveries", "h-series", "h-earlier"):
        assert f'aria-labelledby="{heading}" hidden' in html
    assert "62 %" in html


def test_result_without_destination(hospital: SeededHospital, visitor: Visitor) -> None:
    """A result that nobody wants is not shown as waiting."""
    uid, claim = hospital.claimed()
    hospital.answer(claim, Urgency.SUSPECTED, MILD, picture=False)
    text = visitor.text(f"/studies/{uid}")
    assert "Nothing is delivered" in text
    assert "Send again" not in text


def test_newer_version_that_failed_is_told(hospital: SeededHospital, visitor: Visitor) -> None:
    """When the late images could not be analysed, the earlier result does not hide it."""
    uid, claim = hospital.claimed()
    hospital.answer(claim, Urgency.SUSPECTED, SEVERE, picture=False)
    hospital.receive(into=uid)
    hospital.queue(uid)
    hospital.refuse(hospital.claim(), "SliceMissing", "A slice is missing.")
    text = visitor.text(f"/studies/{uid}")
    assert "The newest images have no answer (refused): A slice is missing." in text
    assert "Suspected" in text
    assert "Superseded Suspected Lesion share of lung 11.9 %" in text


def test_given_up_delivery(hospital: SeededHospital, visitor: Visitor) -> None:
    """A delivery that was given up says so and can be sent again."""
    uid, claim = hospital.claimed()
    hospital.answer(claim, Urgency.SUSPECTED, MILD, destinations=("pacs",), picture=False)
    hospital.deliver((0x0110,), state=DeliveryState.FAILED)
    text = visitor.text(f"/studies/{uid}")
    assert "given up after one attempt" in text
    assert "0x0110 processing failure" in text
    assert "Send again" in text


@pytest.mark.parametrize(
    "uid", ["1.2.3.4", "not-a-uid", "1..2", "1.2.3" + "4" * 80, "%00", "..%2f"]
)
def test_unknown_study(visitor: Visitor, uid: str) -> None:
    """A study that is not here is a page that says what to do."""
    answer = visitor.get(f"/studies/{uid}")
    assert answer.status_code == 404
    assert "There is no such" in answer.text
