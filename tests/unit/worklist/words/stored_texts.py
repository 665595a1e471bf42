"""What the code can store as a reason, read from the code itself: nobody keeps a list."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

from radiology import errors
from radiology.words.age import age_words
from worklist.words.stored_words import GENERAL

_ROOT = Path(errors.__file__).resolve().parents[1]
# Whoever writes rows, or raises what becomes one.
_PACKAGES = (
    "radiology",
    "models",
    "chest",
    "dicom_node",
    "hl7_node",
    "webhook_node",
    "storage",
    "worker",
    "worklist/upload/receive.py",
    "worklist/upload/routes.py",
)
# Told at a command line, at the start or in a form, and in no row with its own sentence; a bundle
# that is rejected is its maker's business, and a row says so by its kind.
_NEVER_IN_A_ROW = {
    "AccountRefused",
    "BundleRejected",
    "ClinicalValuesRefused",
    "FeedbackRefused",
    "IdentityRefused",
    "IdentityProviderUnavailable",
    "ListRefused",
    "NotForgotten",
    "ReadingUnreadable",
    "ResultNotWithdrawable",
    "SettingsRefused",
}


def sentences_of_errors() -> set[str]:
    """Every fixed sentence that an error is made with; `0` stands for each figure."""
    found: set[str] = set()
    for path, tree in _modules():
        for call in _calls(tree, set(GENERAL) - _NEVER_IN_A_ROW):
            if call.args:
                found |= set(_sentences(call.args[0], path))
    return found


def objection_reasons() -> set[str]:
    """The reasons of the rules that refuse a series, but for the one that quotes a bundle."""
    found: set[str] = set()
    for path in (_ROOT / "worker" / "series" / "rules.py", _ROOT / "chest" / "body_part.py"):
        tree = ast.parse(path.read_text())
        for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
            for call in _calls(function, {"Objection", "OtherBodyPart"}):
                if not isinstance(call.args[0], ast.Starred):
                    found |= _constants(call.args[2], function)
        for call in _calls(tree, {"_image_type"}):
            found |= _constants(call.args[2], tree)
    return found


def texts_of_gates() -> tuple[set[str], set[str]]:
    """The names of the quality gates, and the reasons of those that are not passed."""
    tree = ast.parse((_ROOT / "chest" / "gates.py").read_text())
    names: set[str] = set()
    reasons: set[str] = set()
    places = {"_gate": 4, "_warning": 4, "_graded": 4}  # of the reason
    for function in (one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)):
        if function.name in places:
            continue
        for call in _calls(function, set(places)):
            names |= _constants(call.args[0], function)
            reasons |= _constants(call.args[4], function)
    return names, reasons - {""}


def seen_and_limits_of_gates() -> set[str]:
    """What the gates of a chest see and ask for; `0` stands for each figure."""
    found = {age_words(years) for years in (0.0, 1.5, 40.0)}
    for path in ("chest/gates.py", "chest/plausibility_gates.py"):
        for node in ast.walk(ast.parse((_ROOT / path).read_text())):
            if isinstance(node, ast.JoinedStr):
                found.add("".join(_or_0(part) for part in node.values))
            elif isinstance(node, ast.Call) and ast.unparse(node.func) in _GATES:
                found |= {text for one in node.args[2:4] for text in _literals(one)}
    return {text for text in found if not text.isdecimal()}


_GATES = ("_gate", "_warning")


def _or_0(part: ast.expr) -> str:
    return str(part.value) if isinstance(part, ast.Constant) else "0"


def reasons_of_earlier_studies() -> set[str]:
    """Why a study is no earlier one of the same patient: but for what is made of its identity."""
    found: set[str] = set()
    for path in ("worker/course/find_priors.py", "chest/course/follow_course.py"):
        tree = ast.parse((_ROOT / path).read_text())
        for call in _calls(tree, {"NotCompared"}):
            found |= {one for one in _literals(call.args[1]) if one}
            found |= _constants(call.args[1], tree)
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef) and function.name in _EARLIER:
                for node in ast.walk(function):
                    if isinstance(node, ast.Return | ast.Assign) and node.value is not None:
                        found |= {one for one in _literals(node.value) if " " in one}
    return found


_EARLIER = ("choose_priors", "_not_earlier")


def _literals(said: ast.expr) -> set[str]:
    """Texts that an expression may be; not those that it is asked with."""
    match said:
        case ast.Constant(value=str(text)):
            return {text}
        case ast.BoolOp():
            return {text for one in said.values for text in _literals(one)}
        case ast.IfExp():
            return _literals(said.body) | _literals(said.orelse)
    return set()


def names_of_events() -> tuple[set[str], set[str]]:
    """The names of events that are written as they are, and of the facts that they carry."""
    names: set[str] = set()
    facts: set[str] = set()
    for package in ("database", "worker", "hl7_node", "dicom_node"):
        for path in sorted((_ROOT / package).rglob("*.py")):
            for call in _calls(ast.parse(path.read_text()), _EVENTS):
                names |= {one for said in call.args for one in _literals(said)}
                facts |= {one.arg for one in call.keywords if one.arg} - _NO_FACTS
    return names, facts


_EVENTS = {"record_event", "record_delivery_event", "_event", "advance_job", "end_job"}
_NO_FACTS = {"study_id", "job_id", "rank", "error_message", "trace"}


def _modules() -> Iterator[tuple[Path, ast.Module]]:
    for name in _PACKAGES:
        place = _ROOT / name
        for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            yield path, ast.parse(path.read_text())


def _calls(tree: ast.AST, names: set[str]) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
            yield node


def _sentences(said: ast.expr, path: Path) -> Iterator[str]:
    """What an argument says, where that is fixed but for figures."""
    match said:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr():
            if (text := _with_figures(said)) is not None:
                yield text
        case ast.BoolOp():
            for one in said.values:
                yield from _sentences(one, path)
        case ast.Name(id=name) if name.isupper():
            module = ".".join(path.relative_to(_ROOT).with_suffix("").parts)
            yield str(getattr(importlib.import_module(module), name))


def _with_figures(said: ast.JoinedStr) -> str | None:
    """An f-string with `0` for its figures; None where something else stands in it.

    A path that an upload's message begins with is replaced by "The file" before it is stored.
    """
    text = ""
    for part in said.values:
        if isinstance(part, ast.Constant):
            text += str(part.value)
            continue
        assert isinstance(part, ast.FormattedValue)
        named = ast.unparse(part.value)
        if named == "path":
            text += "The file"
        elif named in _FIGURES:
            text += "0"
        else:
            return None
    return text


_FIGURES = {
    "MOST_PIXELS",
    "columns",
    "frames",
    "len(found.pictures)",
    "len(found.refusals)",
    "len(studies)",
    "limits.most_ratio",
    "rows",
}


def _constants(said: ast.expr, scope: ast.AST) -> set[str]:
    """A literal, or the literals that a name of the same function stands for."""
    if isinstance(said, ast.Constant):
        return {str(said.value)}
    if not isinstance(said, ast.Name):
        return set()
    found: set[str] = set()
    for node in ast.walk(scope):
        if not isinstance(node, ast.Assign):
            continue
        for target in node.targets:
            if isinstance(target, ast.Name) and target.id == said.id:
                found |= _constants(node.value, ast.Module([], []))
            elif isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                for one, value in zip(target.elts, node.value.elts, strict=True):
                    if isinstance(one, ast.Name) and one.id == said.id:
                        found |= _constants(value, ast.Module([], []))
    return found
