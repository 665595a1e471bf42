"""`firstread predict`: the answers of a bundle to studies and slices, as a JSON object."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from firstread.say import REFUSED, console, errors_to_exit_code, print_json
from settings.environment import read_settings
from settings.log.log_events import configure_command_logging


def predict(
    paths: Annotated[
        list[Path],
        typer.Argument(
            help="Folders, zip archives and DICOMDIRs with studies, single DICOM instances, PNG or "
            "JPEG slices.",
            show_default=False,
        ),
    ],
    picture: Annotated[
        Path | None,
        typer.Option(help="Write the annotated picture here (.png, .jpg); several are numbered."),
    ] = None,
    heat: Annotated[
        bool, typer.Option("--heat", help="Show on a study's picture where the classifier looked.")
    ] = False,
    clinical: Annotated[
        Path | None,
        typer.Option(help="Clinical values of the study's patient: a JSON object as above."),
    ] = None,
    earlier: Annotated[
        Path | None,
        typer.Option(
            help="What predict printed for an earlier study of this patient, with this bundle; "
            "growth of lesions is computed from it."
        ),
    ] = None,
    bundle: Annotated[
        str | None, typer.Option(help="NAME or NAME@VERSION; default: the newest in use.")
    ] = None,
    bundles: Annotated[
        Path | None, typer.Option(help="Folder of bundles; default: that of the settings.")
    ] = None,
    threads: Annotated[int, typer.Option(min=0, help="Of the CPU; 0: what the settings say.")] = 0,
    json: Annotated[
        bool, typer.Option("--json", help="Print the JSON object on a terminal too.")
    ] = False,
) -> None:
    """Read studies and slices here and now, without a server.

    Prints one JSON object on standard output with one entry for each study and each slice that the
    paths hold; a table of them, words and progress go to standard error. Where standard output is
    a terminal the table is enough, and `--json` prints the object too. Exit status: 0 when
    everything that was found has an answer; 2 when something has none, and its entry says why.
    What the entries hold: docs/predict.md. **For research; not a medical device.**

    Examples:

    * `firstread predict chest-ct/`
    * `firstread predict /media/cdrom/DICOMDIR export.zip --json`
    * `firstread predict chest-ct/ --picture key.png --heat`
    * `firstread predict slices/*.png --picture read.png --bundle chest-ct-pneumonia@2.0.0`
    * `firstread predict IM0042.dcm > answer.json`
    * `firstread predict monday/ > monday.json`, then
      `firstread predict tuesday/ --earlier monday.json --clinical values.json`

    The file of clinical values, with those that are known and no others, for example
    `{"age_years": 67, "sex": "male", "respiratory_rate_per_min": 26, "spo2_percent": 91,
    "on_oxygen": false, "urea_mmol_l": 8.2}`. The units are in the names. Every key, and what it
    may hold: docs/severity.md.
    """
    from firstread.predict.predictions import PredictOptions, predict_paths
    from firstread.predict.shown_answers import show_answers

    with errors_to_exit_code():
        settings = read_settings()
        configure_command_logging(settings)
        options = PredictOptions(
            bundle, bundles, picture, heat, threads, clinical=clinical, earlier=earlier
        )
        answer, complete = predict_paths(paths, options, settings)
    show_answers(answer["predictions"], console)
    if json or not sys.stdout.isatty():
        print_json(answer)
    if not complete:
        raise typer.Exit(REFUSED)
