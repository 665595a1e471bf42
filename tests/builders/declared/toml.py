"""Write plain values as TOML: what `tomllib` reads, with every key on a line of its own."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any


def dump_toml(values: Mapping[str, Any]) -> str:
    """The text of a table; tables come after plain values, lists of tables as [[…]]."""
    return "\n".join(_table(values, ())) + "\n"


def _table(values: Mapping[str, Any], path: tuple[str, ...]) -> list[str]:
    lines = [f"{_key(key)} = {_value(one)}" for key, one in values.items() if not _is_table(one)]
    for key, one in values.items():
        name = ".".join(_key(part) for part in (*path, key))
        if isinstance(one, Mapping):
            lines += ["", f"[{name}]", *_table(one, (*path, key))]
        elif _is_table(one):
            for entry in one:
                lines += ["", f"[[{name}]]", *_table(entry, (*path, key))]
    return lines


def _is_table(value: Any) -> bool:
    listed = isinstance(value, list) and value and all(isinstance(one, Mapping) for one in value)
    return isinstance(value, Mapping) or bool(listed)


def _key(key: str) -> str:
    return key if key.replace("_", "").replace("-", "").isalnum() else json.dumps(key)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf"
    if isinstance(value, list):
        return "[" + ", ".join(_value(one) for one in value) + "]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(key)} = {_value(one)}" for key, one in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False)
