"""`firstread phantom`: a study to try things with, whose lesions are known."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from firstread.phantom.kind import PhantomKind
from firstread.say import errors_to_exit_code


def phantom(
    folder: Annotated[Path, typer.Argument(help="A new or empty folder.")],
    kind: Annotated[PhantomKind, typer.Option(help="How ill it is.")] = PhantomKind.DISEASED,
    patient_id: Annotated[
        str | None, typer.Option(help="Patient ID; default: PHANTOM- and a number.")
    ] = None,
    accession: Annotated[
        str | None, typer.Option(help="Accession number; default: PH and a number.")
    ] = None,
) -> None:
    """Write a synthetic chest CT as DICOM files; nothing is sent, and no Firstread is needed.

    It is the phantom of the demo, of the patient Phantom^Chest. The same options give the same
    study; another Patient ID or accession number gives another one.

    Examples: `firstread phantom build/phantom`;
    `firstread phantom build/grave --kind gravely-diseased --patient-id TEST-7 --accession A4711`.
    """
    from firstread.phantom.written import write_and_say

    with errors_to_exit_code():
        write_and_say(folder, kind, patient_id=patient_id, accession_number=accession)
