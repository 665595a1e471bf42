"""Lists the bundles on disk, and moves them in and out of use."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from firstread.say import table_console
from models.candidates import name_and_version, read_candidates, use_candidate, withdraw_bundle
from models.catalogue import Catalogue, UsableBundle, read_catalogue
from models.declared.network_files import Precision
from models.declared_bundle import DeclaredBundle
from models.readers.open_reader import check_limits
from models.release.golden_answers import check_declared_golden
from models.schema_2.golden import check_golden
from models.signatures.check_signature import BundleSignature
from radiology.errors import BundleRejected, FirstreadError
from settings.environment import Settings

_DIGEST_SHOWN = 12
_IN_USE = "in use"
_NOBODY = (
    "nobody vouches that its files are those that were released. If they are the site's own, sign "
    "it: docs/bundles.md, Signatures."
)


@dataclass(frozen=True)
class _Entry:
    """A bundle or a candidate; `bundle` is None where it was refused."""

    label: str
    bundle: UsableBundle | None
    state: str
    signature: BundleSignature | None = None


def _in_use(catalogue: Catalogue, settings: Settings) -> list[UsableBundle]:
    """The bundles that a worker takes for the next study."""
    found = []
    for name in settings.bundles:
        with contextlib.suppress(BundleRejected):
            found.append(catalogue.newest(name))
    return found


def _entries(settings: Settings) -> Iterator[_Entry]:
    catalogue = read_catalogue(settings.bundles_folder, settings.bundle_signatures)
    used = _in_use(catalogue, settings)
    for bundle in catalogue.usable.values():
        state = _IN_USE if bundle in used else "not in use"
        signature = catalogue.signatures[bundle.name, bundle.version]
        yield _Entry(f"{bundle.name}/{bundle.version}", bundle, state, signature)
    for label, error in catalogue.refused.items():
        yield _Entry(label, None, f"refused: {error}")
    candidates = read_candidates(settings.bundles_folder, settings.bundle_signatures)
    for bundle in candidates.usable.values():
        signature = candidates.signatures[bundle.name, bundle.version]
        yield _Entry(f"{bundle.name}/{bundle.version}", bundle, "candidate", signature)
    for label, error in candidates.refused.items():
        yield _Entry(label, None, f"candidate, refused: {error}")


def print_models(settings: Settings) -> None:
    """Print every bundle: name, version, digest, who signed it, state."""
    console = table_console()
    table = Table("Bundle", "Digest", "State", "Signed by", title="Bundles")
    entries = sorted(_entries(settings), key=lambda one: one.label)
    for entry in entries:
        digest = entry.bundle.digest[:_DIGEST_SHOWN] if entry.bundle else "–"
        table.add_row(entry.label, digest, entry.state, _signed_by(entry))
    console.print(table)
    console.print(f"From {settings.bundles_folder}", soft_wrap=True)
    for entry in entries:
        if entry.state == _IN_USE and entry.signature and entry.signature.warning:
            console.print(f"{entry.label} is {entry.signature.warning}: {_NOBODY}", soft_wrap=True)


def _signed_by(entry: _Entry) -> str:
    """Who vouches for a bundle, in a cell of the table."""
    if entry.signature is None:
        return "–"
    return ", ".join(entry.signature.signers) or entry.signature.warning


def _golden(bundle: UsableBundle, settings: Settings) -> str:
    """What the golden test found; refuses as it does."""
    check_limits(bundle, settings.bundle_limits.get(bundle.name, {}))
    if isinstance(bundle, DeclaredBundle):
        return _shares(check_declared_golden(bundle))
    try:
        found = check_golden(bundle)
    except (OSError, json.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise BundleRejected(f"The golden test cannot be read: {type(error).__name__}") from error
    return _shares(found)


def _shares(found: Mapping[Precision, float]) -> str:
    return ", ".join(f"{precision} {value:.1e}" for precision, value in found.items())


def check_and_print(settings: Settings, which: str | None) -> int:
    """Check one bundle or all, candidates too; 0 when every one is whole, otherwise 1.

    Raises
    ------
    BundleRejected
        There is nothing to check.
    """
    name, version = name_and_version(which) if which else ("", "")
    chosen = [
        entry
        for entry in _entries(settings)
        if not name or entry.label == f"{name}/{version}"
        or (not version and entry.label.startswith(f"{name}/"))
    ]  # fmt: skip
    if not chosen:
        raise BundleRejected(
            f"There is no bundle {which or 'at all'} in {settings.bundles_folder}: "
            "`firstread models list` shows what there is"
        )
    console = Console(highlight=False, soft_wrap=True)
    failed = 0
    for entry in chosen:
        try:
            if entry.bundle is None:
                raise BundleRejected(entry.state)
            verdict = f"whole; golden test differs by at most {_golden(entry.bundle, settings)}"
            console.print(f"[bold green]✓[/] {entry.label} ({entry.state}): {verdict}")
        except FirstreadError as error:
            failed += 1
            console.print(f"[bold red]✗[/] {entry.label}:", end=" ")
            console.print(str(error), markup=False)
    return 1 if failed else 0


def use_and_print(settings: Settings, which: str) -> None:
    """Take a candidate into use and say what is used now."""
    use_candidate(settings.bundles_folder, *_named(which), settings.bundle_signatures)
    _print_used(settings)


def withdraw_and_print(settings: Settings, which: str) -> None:
    """Take a bundle out of use and say what is used now."""
    withdraw_bundle(settings.bundles_folder, *_named(which))
    _print_used(settings)


def _named(which: str) -> tuple[str, str]:
    name, version = name_and_version(which)
    if not version:
        raise BundleRejected(f"Which version of {name}? `firstread models list` shows them")
    return name, version


def _print_used(settings: Settings) -> None:
    used = _in_use(read_catalogue(settings.bundles_folder, settings.bundle_signatures), settings)
    label = ", ".join(f"{one.name}/{one.version}" for one in used) or "none"
    Console(highlight=False, soft_wrap=True).print(
        f"In use from the next study on: {label}. Studies that are done stay as they are."
    )
