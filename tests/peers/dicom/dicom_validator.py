"""dicom-validator: does an object keep to the modules of its IOD? The tables lie beside this."""

from __future__ import annotations

import functools
import gzip
import importlib
import json
from typing import Any

from pydicom import Dataset, config
from pydicom.datadict import keyword_for_tag

from tests.peers.dicom.standard_tables import TABLES
from tests.peers.programs import absent


def dicom_validator(dataset: Dataset) -> tuple[str, ...]:
    """Give what is wrong with a data set, one line each: module, attribute, and how.

    Parameters
    ----------
    dataset : as it was read from a file; a SOP class of `TABLES`
    """
    before = config.settings.reading_validation_mode
    try:
        result = _validator()(dataset, _tables(), error_handler=_Silent()).validate()
    finally:
        config.settings.reading_validation_mode = before
    if result.status.name not in ("Passed", "Failed"):
        return (result.status.name,)
    return tuple(
        f"{module}: {_name(tag)}: {error.code.name}"
        for module, errors in result.module_errors.items()
        for tag, error in sorted(errors.items(), key=lambda one: str(one[0]))
        if error.is_error()
    )


class _Silent:
    """The result is returned; nothing is printed."""

    def handle_validation_start(self, result: Any) -> None:
        """Do nothing."""

    def handle_validation_result(self, result: Any) -> None:
        """Do nothing."""


def _name(tag: Any) -> str:
    return " > ".join(keyword_for_tag(one) or str(one) for one in (*(tag.parents or ()), tag.tag))


def _validator() -> Any:
    try:
        return importlib.import_module("dicom_validator.validator.iod_validator").IODValidator
    except ModuleNotFoundError:
        absent("dicom-validator is not installed (make setup)")


@functools.cache
def _tables() -> Any:
    info = importlib.import_module("dicom_validator.validator.dicom_info").DicomInfo
    tables = json.loads(gzip.decompress(TABLES.read_bytes()))
    return info(tables["dictionary"], tables["iods"], tables["modules"])
