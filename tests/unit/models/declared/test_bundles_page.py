"""docs/bundles.md shows a declaration that is accepted, and names every word that is known."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path

import pytest

from models.declared import gates, inputs, measurements, report, rules
from models.declared.outputs import kinds as outputs
from models.declared.section import DECLARATION
from models.declared_bundle import read_declared_bundle
from models.release.seal import write_files_table

PAGE = (Path(__file__).resolve().parents[4] / "docs" / "bundles.md").read_text(encoding="utf-8")


def test_shown_declaration_is_accepted(tmp_path: Path) -> None:
    text = next(one for one in re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL) if "schema" in one)
    folder = tmp_path / "head-ct-bleeding" / "0.1.0"
    folder.mkdir(parents=True)
    (folder / "bleeding.onnx").write_bytes(b"not looked at here")
    (folder / DECLARATION).write_text(text, encoding="utf-8")
    write_files_table(folder)
    bundle = read_declared_bundle(folder)
    assert list(bundle.findings) == ["bleeding"]
    assert bundle.destination is report.Destination.PAGE_ONLY


@pytest.mark.parametrize(
    "words",
    [
        inputs.InputKind,
        inputs.Fit,
        inputs.Interpolation,
        inputs.Weighting,
        outputs.OutputKind,
        outputs.Activation,
        outputs.Combination,
        outputs.RegionKind,
        outputs.Laterality,
        outputs.BoxOrder,
        measurements.MeasurementKind,
        rules.RuleComparison,
        gates.GateCheck,
        gates.GateAction,
        report.Destination,
    ],
)
def test_every_word_is_explained(words: type[StrEnum]) -> None:
    for word in words:
        assert re.search(rf"`\"?{re.escape(word)}\"?`", PAGE) or f"`{word}`:" in PAGE, word
