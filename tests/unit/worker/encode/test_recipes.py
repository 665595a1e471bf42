"""Recipes: what a destination chose and how the reading ended give the objects that it gets."""

from __future__ import annotations

from dataclasses import replace

import pytest

from radiology.encoding_profile import (
    EncodingChoice,
    EncodingProfile,
    SegmentationForm,
    SegmentScope,
)
from radiology.outcome import Outcome
from radiology.urgency import Triage, Urgency
from tests.unit.worker.encode.encoded_chest import result_context
from worker.encode import encode_results, plan_results, united
from worker.encode.recipes import recipes_of

VIEWER = EncodingChoice()
MACHINE = EncodingChoice(EncodingProfile.MACHINE)
LEGACY = EncodingChoice(EncodingProfile.LEGACY)
LABELMAP = EncodingChoice(
    EncodingProfile.MACHINE, SegmentationForm.LABELMAP_RLE, segments=SegmentScope.LESIONS
)


def words(choice: EncodingChoice, outcome: Outcome = Outcome.FINDINGS) -> list[str]:
    outlined = outcome is Outcome.FINDINGS
    return [one.word for one in recipes_of(choice, outcome, lesions_outlined=outlined)]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (VIEWER, ["SEG:binary:lesions", "SR:viewer:binary:lesions", "SC"]),
        (
            EncodingChoice(segments=SegmentScope.ANATOMY),
            ["SEG:binary:lungs", "SR:viewer:binary:lungs", "SC"],
        ),
        (
            MACHINE,
            ["SEG:binary:lungs", "SR:viewer:binary:lungs", "SR:machine:binary:lungs", "SC"],
        ),
        (LEGACY, ["SC"]),
        (EncodingChoice(EncodingProfile.LEGACY, encapsulated_pdf=True), ["SC", "PDF"]),
        (
            EncodingChoice(omit_empty_frames=False),
            ["SEG:binary:lesions:every-frame", "SR:viewer:binary:lesions:every-frame", "SC"],
        ),
    ],
)
def test_a_profile_gives_its_objects(choice: EncodingChoice, expected: list[str]) -> None:
    """In the order in which they are sent, each with a word of its own."""
    assert words(choice) == expected


@pytest.mark.parametrize("choice", [VIEWER, MACHINE])
@pytest.mark.parametrize("outcome", [Outcome.NO_FINDINGS, Outcome.NOT_ASSESSABLE])
def test_without_findings_there_is_no_segmentation(
    choice: EncodingChoice, outcome: Outcome
) -> None:
    """Nor a report whose groups would refer to one."""
    assert words(choice, outcome) == ["SR:viewer", "SC"]


_AS_STORED = {SegmentScope.ANATOMY: "lungs"}  # objects of 0.1.0 are found by these words


def test_viewers_get_lesions_and_programs_the_organs_too() -> None:
    """OHIF 3.13 halves the volume of segments that overlap; whoever wants other segments chooses
    them, with any profile that has a segmentation."""
    assert (VIEWER.scope, MACHINE.scope) == (SegmentScope.LESIONS, SegmentScope.ANATOMY)
    for profile in (EncodingProfile.VIEWER, EncodingProfile.MACHINE):
        for scope in SegmentScope:
            chosen = EncodingChoice(profile, segments=scope)
            assert words(chosen)[0] == f"SEG:binary:{_AS_STORED.get(scope, scope)}"


def test_the_picture_of_a_negative_can_be_left_out() -> None:
    """That of a study that could not be assessed cannot: somebody has to look at it."""
    choice = EncodingChoice(capture_when_negative=False)
    assert words(choice, Outcome.NO_FINDINGS) == ["SR:viewer"]
    assert words(choice, Outcome.NOT_ASSESSABLE) == ["SR:viewer", "SC"]
    assert words(choice)[-1] == "SC"


def test_destinations_share_what_they_have_in_common() -> None:
    """The union has every object once, and what a report names comes before it."""
    plans = [
        recipes_of(one, Outcome.FINDINGS, lesions_outlined=True)
        for one in (LEGACY, LABELMAP, VIEWER, MACHINE)
    ]
    assert [one.word for one in united(plans)] == [
        "SEG:labelmap-rle:lesions",
        "SEG:binary:lesions",
        "SEG:binary:lungs",
        "SR:viewer:labelmap-rle:lesions",
        "SR:machine:labelmap-rle:lesions",
        "SR:viewer:binary:lesions",
        "SR:viewer:binary:lungs",
        "SR:machine:binary:lungs",
        "SC",
    ]


def test_every_recipe_gives_an_object_with_uids_of_its_own() -> None:
    """Two forms of one result can lie in one PACS; the same form is the same instance again."""
    context = result_context()
    choices = (VIEWER, LABELMAP, MACHINE, EncodingChoice(encapsulated_pdf=True))
    recipes = united(plan_results(context, one) for one in choices)
    made = encode_results(context, recipes)
    assert [one.recipe for one in made] == [one.word for one in recipes]
    instances = {one.dataset.SOPInstanceUID for one in made}
    series = {one.dataset.SeriesInstanceUID for one in made}
    assert len(instances) == len(series) == len(recipes) == 10
    again = encode_results(result_context(), recipes)
    assert [one.dataset.SOPInstanceUID for one in again] == [
        one.dataset.SOPInstanceUID for one in made
    ]


def test_a_report_names_the_segmentation_that_goes_with_it() -> None:
    """Whoever gets the label map finds that one in the evidence, not the binary form."""
    context = result_context()
    made = {
        one.recipe: one.dataset for one in encode_results(context, plan_results(context, LABELMAP))
    }
    segmentation = made["SEG:labelmap-rle:lesions"]
    for word in ("SR:viewer:labelmap-rle:lesions", "SR:machine:labelmap-rle:lesions"):
        named = str(made[word].CurrentRequestedProcedureEvidenceSequence)
        assert segmentation.SOPInstanceUID in named


def test_the_key_picture_of_an_urgent_study_sorts_to_the_top() -> None:
    """Where it is asked for: a series of its own, before every other by number and by name."""
    urgent = Triage(urgency=Urgency.URGENT, rule="a rule")
    context = replace(result_context(), triage=urgent)
    plain, marked = (
        encode_results(context, plan_results(context, EncodingChoice(mark_urgent=on)))[-1]
        for on in (False, True)
    )
    assert (plain.recipe, marked.recipe) == ("SC", "SC:urgent")
    assert marked.dataset.SeriesDescription.startswith("!URGENT")
    assert marked.dataset.SeriesNumber == 1
    for keyword in ("SOPInstanceUID", "SeriesInstanceUID"):
        assert plain.dataset[keyword].value != marked.dataset[keyword].value


@pytest.mark.parametrize("urgency", [Urgency.SUSPECTED, Urgency.ROUTINE])
def test_only_an_urgent_study_is_marked(urgency: Urgency) -> None:
    """A mark on every study would be none."""
    context = replace(result_context(), triage=Triage(urgency=urgency, rule="a rule"))
    recipes = plan_results(context, EncodingChoice(mark_urgent=True))
    assert recipes[-1].word == "SC"
