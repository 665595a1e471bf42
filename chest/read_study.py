"""Read one volume with one bundle: the function that the worker calls."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from chest.case_level import answer_case
from chest.effusion import find_effusion, without_effusion
from chest.gate_measures import Scan
from chest.gates import NOISE, Acquisition, check_gates
from chest.heat_maps import heat_maps_of
from chest.interpret import Evidence, interpret, measure, refuses
from chest.lobes import find_territories, measure_territories
from chest.lungs.segment import segment
from chest.model.chest_model import ChestModel, OnProgress, SlicesToClassify
from chest.model.choose_slices import classify_study
from chest.other_disease import measure_other_disease
from chest.plausibility_gates import Outlined
from chest.values.figures import Side
from chest.values.reading import ChestReading
from chest.values.regions import ChestRegions
from models.schema_2.preprocess import fit_of, to_patches
from radiology.clinical import ClinicalContext
from radiology.image.volume import Volume


def read_study(
    volume: Volume,
    model: ChestModel,
    on_progress: OnProgress | None = None,
    *,
    acquisition: Acquisition | None = None,
    context: ClinicalContext | None = None,
) -> ChestReading:
    """Segment lungs and lesions, classify, measure, and say what it means.

    Parameters
    ----------
    volume : HU in any orientation; brought to canonical axes here, and the masks back again
    on_progress : called with slices done and slices in all, while the network runs
    acquisition : what headers say of the scan and its patient
    context : what was given of the patient beside the study, for the severity rules; an age in it
        counts before that of the headers, for the gates too

    Returns
    -------
    A reading whose regions, heat maps and key slice are on the grid of `volume` as it was given.
    """
    canonical, order = volume.canonical()
    fit = fit_of(canonical, model.grid)
    patches = to_patches(canonical, fit, model.grid)
    found = model.finder.find(patches, canonical.spacing_mm[0], on_progress)
    segmented = segment(found, patches, canonical, fit, model)
    regions = segmented.regions
    fluid = find_effusion(canonical, regions)
    if fluid is not None:
        regions = without_effusion(regions, fluid)
    with ThreadPoolExecutor(1) as beside:
        # The search for fissures takes as long as all that comes before it is asked for.
        searched = beside.submit(find_territories, canonical, regions, model.lobes_by_shape)
        figures = measure(canonical, regions)
        scan = Scan.of(patches, regions, canonical.spacing_mm, fit, model.grid)
        lung_ml = figures[Side.TOTAL].lung_volume_ml
        acquisition = acquisition or Acquisition()
        outlined = Outlined(
            canonical.hounsfield,
            regions,
            canonical.voxel_ml,
            outside_ml=segmented.outside_ml,
            inside_ml=segmented.inside_ml,
        )
        gates = check_gates(scan, outlined, lung_ml, _with_given_age(acquisition, context))
        evidence = Evidence(
            regions=ChestRegions(
                order.undo(regions.lungs),
                order.undo(regions.lesions),
                None if regions.possible is None else order.undo(regions.possible),
                None if regions.sureness is None else order.undo(regions.sureness),
            ),
            figures=figures,
            gates=gates,
            acquisition=acquisition,
            context=context,
            effusion=None if fluid is None else fluid.effusion,
        )
        if refuses(gates):
            return interpret(evidence, model)
        classifier = model.classifier
        shown = SlicesToClassify(canonical.hounsfield, canonical.spacing_mm[1:], patches, found)
        answers = [] if classifier is None else classify_study(shown, regions, classifier)
        other_disease = measure_other_disease(
            canonical,
            regions,
            acquisition.patient_position,
            noisy=any(one.name == NOISE and not one.passed for one in gates),
        )
        territories = searched.result()
        evidence = replace(
            evidence,
            # Lung that fluid presses on looks like disease.
            case=answer_case(
                regions,
                answers,
                model,
                reserved=fluid is not None or not all(one.passed for one in gates),
            ),
            other_disease=other_disease,
            territories=measure_territories(canonical, regions, territories),
            boundaries=territories.boundaries,
            divided=replace(territories, labels=order.undo(territories.labels)),
            heat_maps=heat_maps_of(answers, regions, order, fit),
        )
        return interpret(evidence, model)


def _with_given_age(acquisition: Acquisition, context: ClinicalContext | None) -> Acquisition:
    """A patient has one age: the one that was given, where one was."""
    if context is None or context.values.age_years is None:
        return acquisition
    return replace(acquisition, patient_age_years=context.values.age_years)
