"""The bill of materials as one document: CycloneDX 1.6 in JSON (ECMA-424)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib.metadata import version
from typing import Final
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from firstread.sbom.described import licence_of
from firstread.sbom.python_packages import OURS

_LICENCE: Final = "Apache-2.0"
_NAMESPACE: Final = uuid5(NAMESPACE_URL, "urn:firstread:sbom")


def bill_of(
    components: Sequence[Component], needs: Mapping[str, Sequence[str]], *, at: datetime
) -> str:
    """The document; the same components and moment give the same bytes.

    Parameters
    ----------
    needs : by normalised name of a Python package: those that it asks for
    at : when the bill was made

    Returns
    -------
    JSON text with a serial number that follows from its content.
    """
    ours = Component(
        name=OURS,
        version=version(OURS),
        type=ComponentType.APPLICATION,
        licenses=licence_of(_LICENCE),
        purl=PackageURL("generic", None, OURS, version(OURS)),
        bom_ref=OURS,
    )
    bill = Bom(components=components, metadata=BomMetaData(component=ours, timestamp=at))
    packages = {str(one.name): one for one in components if one.purl and one.purl.type == "pypi"}
    for name, one in packages.items():
        bill.register_dependency(
            one, [packages[need] for need in needs.get(name, ()) if need in packages]
        )
    direct = [one for name, one in packages.items() if name in needs.get(OURS, packages)]
    others = [one for one in components if str(one.name) not in packages]
    bill.register_dependency(ours, [*direct, *others])
    bill.serial_number = uuid5(_NAMESPACE, _text(bill, serial=False))
    return _text(bill)


def _text(bill: Bom, *, serial: bool = True) -> str:
    whole = json.loads(JsonV1Dot6(bill).output_as_string())
    if not serial:
        whole.pop("serialNumber", None)
    return json.dumps(whole, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
