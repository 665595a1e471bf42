"""`firstread feedback export`: judged studies as an anonymised set to train on.

FOLDER/
  images/ masks/ labels.csv   what `firstread models train --new-cases FOLDER` reads
  to-draw/images/ drafts/     where the outlines are wrong: to be drawn by a person, then moved
  manifest.json               what was said of which case, without names, dates and comments
"""

from __future__ import annotations

import csv
import getpass
import json
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from database.accounts.audit import Actor, record_audit
from database.events import record_event
from database.feedback.export import judged_study
from database.feedback.given import JudgedResult, judged_results, newest_of_each_study
from database.session import query, transaction
from firstread.data_folder import open_database
from firstread.feedback_set.pseudonyms import site_pseudonyms
from firstread.feedback_set.write_study import SiteOfStudies, WrittenSlice, write_study
from firstread.say import console, print_json, shown_progress
from radiology.errors import Refused, SettingsRefused
from radiology.feedback import Judgement
from settings.environment import Settings

_LEAST_TO_TRAIN = 8  # cases that `firstread models train` asks for


def export_feedback(settings: Settings, folder: Path, *, agreements: bool, slices: int) -> None:
    """Write the set and print what it holds as one JSON object.

    Parameters
    ----------
    agreements : also studies that a reader agrees with
    slices : of each study at most so many

    Raises
    ------
    SettingsRefused
        The folder is not empty or cannot be written, or there is nothing to export.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SettingsRefused(
            f"{folder} is there already and not empty: name a new folder, or empty it"
        )
    engine = open_database(settings)
    with query(engine) as session:
        wanted = [
            (result, judged_study(session, result.result_id))
            for result in newest_of_each_study(judged_results(session))
            if agreements or result.judgement is Judgement.DISAGREE
        ]
    if not wanted:
        raise SettingsRefused(
            "There is nothing to export: no reader has judged a result"
            if agreements
            else "There is nothing to export: no reader disagrees with a result; --agreements "
            "takes what readers agree with too"
        )
    site = SiteOfStudies(settings, site_pseudonyms(settings.data_folder), folder)
    written: dict[int, list[WrittenSlice]] = {}
    left_out: Counter[str] = Counter()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for judged, study in shown_progress(wanted, "Studies", len(wanted)):
            try:
                written[judged.result_id] = write_study(site, judged, study, slices=slices)
            except Refused as error:
                left_out[error.message] += 1
        cases = [_entries(result, written[result.result_id]) for result, _ in wanted
                 if written.get(result.result_id)]  # fmt: skip
        _write_labels(folder, [one for made in written.values() for one in made])
        manifest = json.dumps({"cases": cases}, indent=1)
        (folder / "manifest.json").write_text(manifest, encoding="utf-8")
    except OSError as error:
        raise SettingsRefused(f"{folder} cannot be written: {error.strerror}") from error
    with transaction(engine) as session:
        now = datetime.now(UTC)
        record_event(session, "feedback_exported", now, studies=len(cases))
        who = Actor(getpass.getuser(), "administrator", "command line")
        record_audit(session, "data_exported", now, who, cases=len(cases), anonymised=True)
    found = _summary(written.values(), left_out)
    if found["cases_ready"] < _LEAST_TO_TRAIN:
        console.print(f"'firstread models train' needs {_LEAST_TO_TRAIN} cases that are ready.")
    print_json(found)


def _entries(judged: JudgedResult, made: list[WrittenSlice]) -> dict[str, Any]:
    return {
        "case": made[0].case,
        "files": [one.file for one in made],
        "to_draw": made[0].to_draw,
        "judgement": judged.judgement.value,
        "faults": sorted(judged.faults),
        "urgency": judged.urgency.value,
        "bundle": f"{judged.bundle}/{judged.bundle_version}",
        "bundle_digest": judged.bundle_digest,
    }


def _write_labels(folder: Path, made: list[WrittenSlice]) -> None:
    for to_draw, part in ((False, folder), (True, folder / "to-draw")):
        rows = [one for one in made if one.to_draw is to_draw]
        if rows:
            with (part / "labels.csv").open("w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file)
                writer.writerow(["file", "covid", "patient"])
                writer.writerows((one.file, one.covid, one.case) for one in rows)


def _summary(written: Iterable[list[WrittenSlice]], left_out: Counter[str]) -> dict[str, Any]:
    made = [one for of_study in written for one in of_study]
    ready = [one for one in made if not one.to_draw]
    return {
        "cases_ready": len({one.case for one in ready}),
        "slices_ready": len(ready),
        "cases_to_draw": len({one.case for one in made if one.to_draw}),
        "slices_to_draw": len(made) - len(ready),
        "left_out": dict(left_out),
    }
