"""What a reader meets on the page: texts marked for translation, and those that are not."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

from jinja2 import nodes

from chest import chest_codes
from chest.answer import table
from chest.answer.make import WORDS
from chest.answer.regions import SIDES
from chest.values.answer_codes import CONFIDENCES, PNEUMONIA_TYPES, SEVERITY_SCORES
from chest.values.case_answer import PneumoniaType
from chest.values.territory import Territory
from database.states import StudyState
from models.schema_2.sign import Sign
from radiology import codes
from radiology.answer.lesions import Became
from worklist.feedback import lines as feedback_lines
from worklist.help import advice
from worklist.list import columns as list_columns
from worklist.list import screen as list_screen
from worklist.page import http_errors
from worklist.page.templates import TEMPLATE_FOLDERS, make_templates
from worklist.reading import figures
from worklist.words import dimse_status, next_steps, study_words, verdict
from worklist.words.explained import EXPLAINED, GROUPS

WORKLIST = Path(verdict.__file__).resolve().parents[1]
TEMPLATES = sorted(
    f"{room}/{path.name}"
    for room, folder in TEMPLATE_FOLDERS.items()
    for path in folder.glob("*.html")
)
_ATTRIBUTE = re.compile(r"[\w-]+=\"[\w-]*\"")  # a block that stands within a tag
_LETTERS = re.compile(r"[^\W\d_]{2,}")
_SPOKEN = ("alt", "aria-label", "aria-description", "placeholder", "title")
# The field's own words and units: the same in every language.
_NAMES = {
    "Firstread",
    "ml",
    "mm²",
    "ms",
    "HU",
    "PPV",
    "NPV",
    "sha256",
    "C-ECHO",
    "SOP",
    "UID",
    "AE",
    "DICOM",
    "PACS",
    "firstread.toml",
    "[[peers]]",
}


def texts_of_templates() -> dict[str, str]:
    """Marked texts, each with the template that has it."""
    found: dict[str, str] = {}
    for name in TEMPLATES:
        for _line, _function, text in make_templates().extract_translations(  # type: ignore[attr-defined]
            _source(name), gettext_functions=("_", "gettext", "ngettext")
        ):
            for one in text if isinstance(text, tuple) else (text,):
                if one:
                    found[one] = name
    return found


def texts_of_modules() -> dict[str, str]:
    """Literals that Python says by `translated`, each with its module."""
    found: dict[str, str] = {}
    for path in WORKLIST.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                first = node.args[0] if node.func.id == "translated" and node.args else None
                if isinstance(first, ast.Constant):
                    found[str(first.value)] = path.name
    return found


def texts_of_tables() -> set[str]:
    """What stands in tables, and is said when a row asks for it."""
    answers = http_errors._ANSWERS.values()
    return {
        *verdict.WORDS.values(),
        *verdict.WITHDRAWN_BECAUSE.values(),
        *study_words.STATES.values(),
        *study_words.AWAITED.values(),
        study_words.WITHDRAWN,
        *study_words.SEXES.values(),
        *study_words.AGE_UNITS.values(),
        *figures.PRESENCE_WORDS.values(),
        *next_steps.STEPS.values(),
        next_steps.SAME_IMAGES,
        next_steps.OTHER,
        next_steps.GIVEN_UP,
        *dimse_status.WORDS.values(),
        *(words for _first, _last, words in dimse_status.RANGES),
        *(word for _show, _kind, word in list_screen.TABS),
        *list_screen.CAME.values(),
        *list_screen.SEEN.values(),
        *list_screen.JUDGED.values(),
        *feedback_lines.JUDGEMENT_WORDS.values(),
        *feedback_lines.FAULT_WORDS.values(),
        *feedback_lines.SHORT_FAULT_WORDS.values(),
        *list_screen.LABELS.values(),
        *list_columns.COLUMNS.values(),
        *list_columns.SORTS.values(),
        *(title for _cell, words in list_columns._CELLS for _column, title, _key in words),
        *(text for answer in answers for text in (answer.title, answer.advice)),
        *(state.value for state in StudyState),
        *(became.value for became in Became),
        *texts_of_help(),
        *texts_of_a_chest(),
        *(sign.words for sign in Sign),
        *(kind.words for kind in PneumoniaType),
        *(territory.value for territory in Territory),
    }


def texts_of_help() -> set[str]:
    """Words with their explanations, and what to do when."""
    lines = (*advice.FOR_READERS, *advice.FOR_ADMINISTRATORS)
    return {
        *(text for line in lines for text in line),
        *(title for title, _group in GROUPS),
        *(text for one in EXPLAINED.values() for text in (one.entry, one.sentence)),
        "For readers",
        "For administrators",
    }


def texts_of_a_chest() -> set[str]:
    """What the bundle that is delivered with Firstread calls its figures and its answers."""
    coded = {
        chest_codes.LESION_SHARE,
        chest_codes.LESION_VOLUME,
        chest_codes.LESION_ATTENUATION,
        codes.VOLUME,
        codes.CONFIDENCE,
        chest_codes.PNEUMONIA_TYPE,
        *SEVERITY_SCORES.values(),
        *CONFIDENCES.values(),
        *PNEUMONIA_TYPES.values(),
    }
    return {
        *(code.meaning for code in coded),
        *(column.title for column in table.COLUMNS),
        *(title for title, _, _ in SIDES.values()),
        *(territory.value.capitalize() for territory in Territory),
        WORDS.title,
        WORDS.subject,
        "lung opacities",
        "Severity",
    }


def unmarked_texts(name: str) -> list[str]:
    """Texts of a template that stand there as they are, and stay English in every language."""
    return unmarked_texts_of(_source(name))


def unmarked_texts_of(template: str) -> list[str]:
    """The same of a template that is given as text."""
    reader = _Spoken()
    reader.feed(_as_html(make_templates().parse(template)))
    return [
        text
        for text in reader.texts
        if _LETTERS.search(_without_names(text)) and not _ATTRIBUTE.fullmatch(text)
    ]


def _source(name: str) -> str:
    room, file = name.split("/")
    return (TEMPLATE_FOLDERS[room] / file).read_text()


def _as_html(template: nodes.Template) -> str:
    """A template with nothing but what it writes itself: markup, and literals in expressions."""
    return "".join(_written(template))


def _written(node: nodes.Node) -> Iterator[str]:
    if isinstance(node, nodes.Output):
        for part in node.nodes:
            if isinstance(part, nodes.TemplateData):
                yield part.data
            else:
                yield from _literals(part)
        return
    for child in node.iter_child_nodes(exclude=("test", "iter")):
        yield from _written(child)


def _literals(value: nodes.Node) -> Iterator[str]:
    """Literals that an expression may put on the page; what `_` says is not one of them."""
    if isinstance(value, nodes.Const) and isinstance(value.value, str):
        yield value.value
    elif isinstance(value, nodes.CondExpr):
        yield from _literals(value.expr1)
        if value.expr2 is not None:
            yield from _literals(value.expr2)
    elif isinstance(value, nodes.Or | nodes.And | nodes.Add):
        yield from _literals(value.left)
        yield from _literals(value.right)
    elif isinstance(value, nodes.Concat):
        for part in value.nodes:
            yield from _literals(part)
    elif isinstance(value, nodes.Filter) and value.node is not None:
        yield from _literals(value.node)


def _without_names(text: str) -> str:
    return " ".join(word for word in text.split() if word.strip("().,:;–") not in _NAMES)


class _Spoken(HTMLParser):
    """Collects what is read or spoken: text, and the attributes that stand for it."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in ("style", "script", "code", "kbd")
        self.texts += [value for name, value in attrs if name in _SPOKEN and value]

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in ("style", "script", "code", "kbd")

    def handle_data(self, data: str) -> None:
        if not self._silent and data.strip():
            self.texts.append(data.strip())
