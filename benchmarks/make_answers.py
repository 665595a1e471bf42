"""Writes all answers of the command line about studies, for `benchmarks.same_answers`.

    python -m benchmarks.make_answers OUT STUDY ... [SLICE ...] [--program FIRSTREAD]

Each study folder gets a folder of its own in OUT, with one for each way to ask: the objects, the
pictures, `answer.json` (standard output) and `ended.json` (exit status, and the words of a
refusal). Single slices, DICOM or pictures, are read together. The golden test of the bundles is run
too. A study of 150 slices takes about two minutes on two cores.

The program of another version is named by its path: the commands are the same, and so is what they
are given.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

_CLINICAL = {
    "age_years": 67,
    "sex": "male",
    "respiratory_rate_per_min": 26,
    "spo2_percent": 91,
    "on_oxygen": False,
    "urea_mmol_l": 8.2,
}

_EVERY_SEGMENT = ("--segments", "all", "--every-frame", "--most-tracked-lesions", "5")
_OBJECTS: Mapping[str, Sequence[str]] = {
    "viewer": ("--encapsulated-pdf",),
    "machine": ("--profile", "machine", "--segmentation", "labelmap-jpegls"),
    "every-segment": ("--profile", "machine", *_EVERY_SEGMENT),
    "label-map": ("--profile", "machine", "--segmentation", "labelmap-rle", *_EVERY_SEGMENT),
}
"""Options of `firstread encode`, by the folder that the objects go to."""

_SLICES_OF_A_STUDY = 3
_BAR = "━"  # of a progress bar, with seconds behind it


class Maker:
    """Asks one program, and keeps what it answers."""

    def __init__(self, program: Path, folder: Path) -> None:
        self._program = program
        self._folder = folder
        self._clinical = folder / "clinical-values.json"
        self._clinical.write_text(json.dumps(_CLINICAL))

    def study(self, study: Path) -> None:
        """Objects, a plain prediction, one in Chinese with clinical values, and slices."""
        kept = self._folder / study.name
        for name, options in _OBJECTS.items():
            self._ask(kept / name, "encode", study, "--to", kept / name, *options)
        self._predict(kept / "prediction", study, "--heat")
        self._predict(kept / "with-clinical", study, "--clinical", self._clinical, language="zh")
        files = sorted(path for path in study.rglob("*") if path.is_file())
        places = range(1, _SLICES_OF_A_STUDY + 1)
        chosen = [files[len(files) * place // (_SLICES_OF_A_STUDY + 1)] for place in places]
        self._predict(kept / "slices", *chosen)

    def slices(self, slices: Sequence[Path]) -> None:
        """One prediction about single slices."""
        self._predict(self._folder / "slices", *slices)

    def golden(self) -> None:
        """The golden test of every bundle."""
        self._ask(self._folder / "golden", "models", "check")

    def _predict(self, kept: Path, *arguments: str | Path, language: str = "en") -> None:
        picture = ("--picture", kept / "picture.png")
        self._ask(kept, "predict", *arguments, *picture, language=language)

    def _ask(self, kept: Path, *arguments: str | Path, language: str = "en") -> None:
        print(kept)
        kept.mkdir(parents=True)
        ended = subprocess.run(
            [self._program, *arguments],
            capture_output=True,
            text=True,
            cwd=self._folder,  # where no settings lie
            env=_without_settings() | {"FIRSTREAD_LANGUAGE": language},
            check=False,
        )
        is_json = ended.stdout.startswith("{")
        (kept / ("answer.json" if is_json else "answer.txt")).write_text(ended.stdout)
        words = [line for line in ended.stderr.splitlines() if _BAR not in line]
        status = {"exit_status": ended.returncode, "words": words[-1:] if ended.returncode else []}
        (kept / "ended.json").write_text(json.dumps(status))


def _without_settings() -> dict[str, str]:
    """The environment without what would change an answer."""
    return {name: value for name, value in os.environ.items() if not name.startswith("FIRSTREAD_")}


def main() -> None:
    """Make the answers."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.make_answers", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("out", type=Path, help="folder for the answers; it must not be there yet")
    parser.add_argument("inputs", type=Path, nargs="+", help="folders of one study, or slices")
    parser.add_argument(
        "--program",
        type=Path,
        default=Path(sys.executable).with_name("firstread"),
        help="the command firstread of the version to ask; default: this one",
    )
    given = parser.parse_args()
    studies = [path for path in given.inputs if path.is_dir()]
    slices = [path for path in given.inputs if not path.is_dir()]
    if given.out.exists():
        parser.error(f"{given.out} is there already; answers of two runs must not mix")
    given.out.mkdir(parents=True)
    maker = Maker(given.program.absolute(), given.out.absolute())
    maker.golden()
    for study in studies:
        maker.study(study.absolute())
    if slices:
        maker.slices([path.absolute() for path in slices])


if __name__ == "__main__":
    main()
