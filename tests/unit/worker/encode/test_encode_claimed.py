"""Of several findings those that are claimed are segmented, whatever else was outlined."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest
from pydicom import Dataset, dcmread

from phantom.head import Bleeding, BleedingLabel, head_grid, make_head_phantom
from phantom.head.study import write_head_study
from radiology.answer.finding import Presence
from radiology.encoding_profile import (
    EncodingChoice,
    EncodingProfile,
    SegmentationForm,
    SegmentScope,
)
from radiology.errors import ResultMismatch
from tests.builders.declared.patch_segmenter import declaration, network
from tests.builders.declared.read_heads import in_headers, shown_by
from tests.builders.declared.write import code, write_declared
from tests.unit.worker.encode.encoded_chest import EVERY_KIND, prove
from tests.unit.worker.encode.full_reading import full_context
from worker.encode import (
    EncodedObject,
    ResultContext,
    SegmentationVariant,
    encode_results,
    encode_segmentation,
    plan_results,
    united,
)

BLEEDING, SWELLING = ["Hemorrhage"], ["Edema", "Mass"]
CHOICES = [
    EncodingChoice(EncodingProfile.MACHINE, form, segments=scope, encapsulated_pdf=True)
    for form in SegmentationForm
    for scope in SegmentScope
]
NO_SUCH_VOLUME_ML = 90_000.0


def write_two_findings(root: Path) -> Path:
    """The patch segmenter with a second finding, of two regions of the same network's answer."""
    declared = declaration()
    kinds = zip(SWELLING, ("79654002", "4147007"), ("tissue", "solid"), strict=True)
    classes = [
        {"name": name, "is": "finding", "code": code(value, meaning), "colour": "#009e73"}
        for meaning, value, name in kinds
    ]
    declared["outputs"].append(
        declared["outputs"][0]
        | {"name": "more", "classes": [{"name": "rest", "background": True}, *classes]}
    )
    regions = ["more.tissue", "more.solid"]
    declared["measurements"].append({"name": "swelling_ml", "kind": "volume", "of": regions})
    declared["findings"].append(
        {
            "name": "swelling",
            "code": code("79654002", "Edema"),
            "regions": regions,
            "measurements": ["swelling_ml"],
        }
    )
    declared["suspicion"].append(
        declared["suspicion"][0]
        | {"name": "swelling seen", "finding": "swelling", "value": "swelling_ml"}
        | {"limit": NO_SUCH_VOLUME_ML}
    )
    return write_declared(root, declared, {"dense.onnx": network()})


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> ResultContext:
    """A head with a bleeding that is suspected and a swelling that is absent."""
    grid = head_grid((24, 96, 96), (6.0, 2.4, 2.4))
    phantom = make_head_phantom(
        grid=grid, bleedings=(Bleeding(BleedingLabel.INTRAPARENCHYMAL, 30.0),)
    )
    shown = shown_by(write_two_findings(tmp_path_factory.mktemp("bundles")), phantom.volume)
    files = write_head_study(phantom, tmp_path_factory.mktemp("study"))
    headers = [dcmread(path, stop_before_pixels=True) for path in files]
    made = in_headers(shown, headers)
    said = {one.key: one.presence for one in made.reading.findings}
    assert said == {"bleeding": Presence.SUSPECTED, "swelling": Presence.ABSENT}
    return replace(made, most_tracked_lesions=2)


def saying(context: ResultContext, **presences: Presence) -> ResultContext:
    """The same regions, of which something else is said."""
    findings = tuple(
        replace(one, presence=presences.get(one.key, one.presence))
        for one in context.reading.findings
    )
    return replace(context, reading=replace(context.reading, findings=findings))


def swollen(context: ResultContext, otherwise: Presence = Presence.ABSENT) -> ResultContext:
    """The swelling is claimed, and the bleeding is not."""
    return saying(context, bleeding=otherwise, swelling=Presence.PRESENT)


def made_of(context: ResultContext, *choices: EncodingChoice) -> tuple[EncodedObject, ...]:
    recipes = united(plan_results(context, one) for one in choices)
    return encode_results(context, recipes)


def kinds_of(segmentation: Dataset) -> set[str]:
    return {
        item.SegmentedPropertyTypeCodeSequence[0].CodeMeaning
        for item in segmentation.SegmentSequence
        if item.SegmentNumber > 0
    }


@pytest.mark.parametrize("scope", SegmentScope)
@pytest.mark.parametrize("form", SegmentationForm)
def test_a_finding_that_is_not_claimed_is_no_segment(
    context: ResultContext, form: SegmentationForm, scope: SegmentScope
) -> None:
    """Whichever of the two is claimed; anatomy is there as it was asked for."""
    variant = SegmentationVariant(form, scope)
    anatomy = set() if scope is SegmentScope.LESIONS else {"Brain"}
    for said, findings in (
        (context, BLEEDING),
        (saying(context, swelling=Presence.UNDETERMINED), BLEEDING),
        (swollen(context), SWELLING),
        (swollen(context, Presence.UNDETERMINED), SWELLING),
    ):
        made = encode_segmentation(said, variant)
        assert made is not None
        assert kinds_of(made) - anatomy == set(findings)


def test_both_are_segments_where_both_are_claimed(context: ResultContext) -> None:
    """Nothing is lost by a second finding."""
    made = encode_segmentation(saying(context, swelling=Presence.SUSPECTED))
    assert made is not None
    assert {"Edema", "Mass"} <= kinds_of(made)


def test_its_objects_are_proved(context: ResultContext) -> None:
    """In every form, whichever of the two is claimed; no report names a segment that is missing."""
    for said in (context, swollen(context)):
        made = made_of(said, *CHOICES)
        prove(said, made)


def test_the_report_measures_what_is_not_claimed(context: ResultContext) -> None:
    """A group of its own says what was measured of it; outlines stand in that group alone."""
    report = next(one for one in made_of(context, EncodingChoice()) if one.kind.value == "SR")
    tracked = {
        str(item.TextValue)
        for element in report.dataset.iterall()
        if element.keyword == "ContentSequence"
        for item in element.value
        if "TextValue" in item
    }
    assert {"Hemorrhage", "Edema"} <= tracked


@pytest.mark.parametrize("form", SegmentationForm)
def test_a_segment_of_what_is_not_claimed_is_caught(
    context: ResultContext, form: SegmentationForm
) -> None:
    """The proof refuses it, by whatever it was made."""
    choice = EncodingChoice(EncodingProfile.MACHINE, form)
    made = made_of(saying(context, swelling=Presence.SUSPECTED), choice)
    made = tuple(replace(one, dataset=deepcopy(one.dataset)) for one in made)
    with pytest.raises(ResultMismatch, match="a finding that is not claimed"):
        prove(context, made)


def test_a_claim_without_a_region_gives_no_segmentation(context: ResultContext) -> None:
    """A score says that something is there; what another finding outlined does not show it."""
    findings = tuple(
        replace(one, regions=()) if one.presence.claimed else one
        for one in context.reading.findings
    )
    findings += (replace(findings[-1], key="again", regions=tuple(BLEEDING)),)
    reading = replace(context.reading, findings=findings)
    made = made_of(replace(context, reading=reading), EncodingChoice())
    assert [one.kind.value for one in made] == ["SR", "SC"]


@EVERY_KIND
def test_a_region_that_no_finding_names_is_kept(kind: str) -> None:
    """A chest names its lesions only where it claims them, so that none of them is left out."""
    context = full_context(kind)
    assert not context.reading.unclaimed_regions
    lesions = {one.name for one in context.reading.regions if one.is_finding}
    assert {one.name for one in context.findings} == lesions
    assert {one.name for one in context.masks.finding_layer.regions.values()} == lesions
