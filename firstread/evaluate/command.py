"""`firstread evaluate`: the quality of a bundle on labelled data, printed as a JSON object."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from firstread.evaluate.target import Target
from firstread.say import errors_to_exit_code, print_json
from radiology.errors import SettingsRefused
from settings.environment import Settings, read_settings
from settings.log.log_events import configure_command_logging

evaluate = typer.Typer(
    no_args_is_help=True,
    help="""How good a bundle is, on labelled data: one JSON object on standard output, and with
--report a page with plots.

Examples: `firstread evaluate classification --images covid_ct --labels covid_ct/labels.csv --split
val`; `firstread evaluate studies --dicom ct/covid-P001 --labels ct/covid-P001.labels.json`.""",
)

BundleOption = Annotated[
    str | None,
    typer.Option("--bundle", help="NAME or NAME@VERSION; default: the newest in use."),
]
BundlesOption = Annotated[
    Path | None, typer.Option("--bundles", help="Folder of bundles; default: that of the settings.")
]
ReportOption = Annotated[
    Path | None, typer.Option("--report", help="Write an HTML report with plots to this file.")
]
ThreadsOption = Annotated[
    int, typer.Option("--threads", min=0, help="Of the CPU; 0: one for each core.")
]


class Rotation(StrEnum):
    """Degrees anticlockwise."""

    NONE = "0"
    QUARTER = "90"
    HALF = "180"
    THREE_QUARTERS = "270"


def _settings() -> Settings:
    settings = read_settings()
    configure_command_logging(settings)
    return settings


@evaluate.command("classification")
def classification(
    images: Annotated[Path, typer.Option(help="Folder that the names in the labels start from.")],
    labels: Annotated[Path, typer.Option(help="CSV with the columns file, covid, ….")],
    split: Annotated[
        str | None, typer.Option(help="Only rows with this official_split; default: all.")
    ] = None,
    bundle: BundleOption = None,
    bundles: BundlesOption = None,
    report: ReportOption = None,
    threads: ThreadsOption = 0,
) -> None:
    """Score the classifier on labelled slices.

    Example: `firstread evaluate classification --images covid_ct --labels covid_ct/labels.csv
    --split val --report classification.html`.
    """
    from firstread.evaluate.bundle import Choice
    from firstread.evaluate.classification import evaluate_classification

    with errors_to_exit_code():
        choice = Choice(bundle, bundles, report, threads)
        print_json(evaluate_classification(images, labels, split, choice, _settings()))


@evaluate.command("segmentation")
def segmentation(
    target: Annotated[Target, typer.Option(help="What the masks show.")],
    images: Annotated[Path | None, typer.Option(help="Folder of 8-bit slices.")] = None,
    masks: Annotated[
        Path | None, typer.Option(help="Folder of masks with the same names as the slices.")
    ] = None,
    npz: Annotated[
        Path | None, typer.Option(help="Instead of folders: a file like lungs2d_256.npz.")
    ] = None,
    rotate: Annotated[
        Rotation, typer.Option(help="Turn slices and masks so far anticlockwise first.")
    ] = Rotation.NONE,
    pixel_mm: Annotated[
        float | None,
        typer.Option(min=0.01, help="Side of a pixel, for distances in mm; default: in pixels."),
    ] = None,
    bundle: BundleOption = None,
    bundles: BundlesOption = None,
    report: ReportOption = None,
    threads: ThreadsOption = 0,
) -> None:
    """Score lung or lesion masks on slices with drawn masks.

    Examples: `firstread evaluate segmentation --images infnet/images --masks
    infnet/infection_mask --target lesion --rotate 270`; `firstread evaluate segmentation --npz
    lungs2d/lungs2d_256.npz --target lung`.
    """
    from firstread.evaluate.bundle import Choice
    from firstread.evaluate.segmentation import evaluate_segmentation

    with errors_to_exit_code():
        source = _source(images, masks, npz)
        choice = Choice(bundle, bundles, report, threads)
        print_json(
            evaluate_segmentation(
                source, target, int(rotate.value), choice, _settings(), pixel_mm=pixel_mm
            )
        )


def _source(images: Path | None, masks: Path | None, npz: Path | None) -> tuple[Path, Path] | Path:
    if npz is not None and images is None and masks is None:
        return npz
    if npz is None and images is not None and masks is not None:
        return images, masks
    raise SettingsRefused("Give either --images and --masks, or --npz")


@evaluate.command("studies")
def studies(
    dicom: Annotated[
        Path, typer.Option(help="A patient's folder of DICOM, or a folder of such folders.")
    ],
    labels: Annotated[Path, typer.Option(help="JSON with the labels of one or more patients.")],
    bundle: BundleOption = None,
    bundles: BundlesOption = None,
    report: ReportOption = None,
    threads: ThreadsOption = 0,
) -> None:
    """Score whole studies against labels of their slices and lobes.

    Example: `firstread evaluate studies --dicom ct/covid-P001 --labels ct/covid-P001.labels.json
    --report studies.html`.
    """
    from firstread.evaluate.bundle import Choice
    from firstread.evaluate.studies import evaluate_studies

    with errors_to_exit_code():
        choice = Choice(bundle, bundles, report, threads)
        print_json(evaluate_studies(dicom, labels, choice, _settings()))
