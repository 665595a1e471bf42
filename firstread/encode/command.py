"""`firstread encode`: the result objects of a study as files, as a destination would get them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from firstread.say import errors_to_exit_code, print_json
from radiology.encoding_profile import EncodingProfile, SegmentationForm, SegmentScope
from settings.environment import read_settings
from settings.log.log_events import configure_command_logging


def encode(
    study: Annotated[
        Path,
        typer.Argument(
            help="A folder with the DICOM instances of one study, or one multi-frame instance.",
            show_default=False,
        ),
    ],
    to: Annotated[
        Path, typer.Option(help="The folder for the objects; it is made if it is not there.")
    ],
    profile: Annotated[
        EncodingProfile, typer.Option(help="Which objects: docs/settings.md tells them apart.")
    ] = EncodingProfile.VIEWER,
    segmentation: Annotated[
        SegmentationForm | None, typer.Option(help="Form of the segmentation; default: binary.")
    ] = None,
    segments: Annotated[
        SegmentScope | None,
        typer.Option(
            help="Lesions only, lungs too, or lobes too; default: lesions, for machine lungs."
        ),
    ] = None,
    omit_empty_frames: Annotated[
        bool | None,
        typer.Option(
            "--omit-empty-frames/--every-frame", help="Whether frames without a pixel are left out."
        ),
    ] = None,
    capture_when_negative: Annotated[
        bool | None, typer.Option(help="Whether a negative study has a key picture.")
    ] = None,
    encapsulated_pdf: Annotated[
        bool | None, typer.Option(help="Whether there is a PDF with picture and figures.")
    ] = None,
    most_tracked_lesions: Annotated[
        int | None, typer.Option(min=0, max=50, help="So many lesions get segments of their own.")
    ] = None,
    bundle: Annotated[
        str | None, typer.Option(help="NAME or NAME@VERSION; default: the newest in use.")
    ] = None,
    bundles: Annotated[
        Path | None, typer.Option(help="Folder of bundles; default: that of the settings.")
    ] = None,
    threads: Annotated[int, typer.Option(min=0, help="Of the CPU; 0: what the settings say.")] = 0,
) -> None:
    """Read a study and write its result objects, without a server and without sending them.

    Prints one JSON object on standard output: the outcome, and what was written with recipe, UIDs,
    size and file. Words and progress go to standard error. Each object is read back and checked
    against its source first, as in the worker. **For research; not a medical device.**

    Examples:

    * `firstread encode chest-ct/ --to results/`
    * `firstread encode chest-ct/ --profile machine --segmentation labelmap-rle --to results/`
    * `firstread encode chest-ct/ --profile legacy --encapsulated-pdf --to results/`
    """
    from firstread.encode.objects import EncodeOptions, encode_objects

    chosen = {
        "segmentation": segmentation,
        "segments": segments,
        "omit_empty_frames": omit_empty_frames,
        "capture_when_negative": capture_when_negative,
        "encapsulated_pdf": encapsulated_pdf,
    }
    with errors_to_exit_code():
        overrides = {"most_tracked_lesions": most_tracked_lesions}
        settings = read_settings(
            **{name: value for name, value in overrides.items() if value is not None}
        )
        configure_command_logging(settings)
        given = {name: value for name, value in chosen.items() if value is not None}
        options = EncodeOptions(profile, given, to, bundle, bundles, threads)
        answer = encode_objects(study, options, settings)
    print_json(answer)
