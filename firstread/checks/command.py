"""Prints the settings in force, and what is wrong with what they name."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from database.schema import check_schema
from database.session import open_engine
from firstread.checks.network import port_problems, receiver_problems
from firstread.data_folder import make_data_folder
from models.catalogue import read_catalogue
from models.readers.open_reader import check_limits
from radiology.errors import FirstreadError
from settings.certificates.in_use import certificate_terms, unusable
from settings.environment import Settings
from settings.flags import SecretChannel
from worker.flag.channels import open_channel
from worklist.administration.problems import disk_problem
from worklist.server import check_network


def print_settings(settings: Settings, *, echo: bool) -> int:
    """Print settings and checks; returns 0 when every check passed, otherwise 1."""
    console = Console()
    table = Table("Setting", "Value", title="Settings in force")
    for name in type(settings).model_fields:
        if name == "peers":
            continue
        table.add_row(name, escape(str(getattr(settings, name))))
    console.print(table)
    peers = Table("Peer", "AE title", "Address", "Roles", "Priority", title="Peers")
    for peer in settings.peers:
        roles = ", ".join(sorted(role.value for role in peer.roles))
        peers.add_row(peer.name, peer.ae_title, peer.address or "any", roles, peer.priority.value)
    console.print(peers)
    problems = _problems(settings, echo=echo)
    for problem in problems:
        console.print(f"[bold red]✗[/] {escape(problem)}", highlight=False)
    if not problems:
        asked = "" if echo else " No peer and no flag receiver was asked: that is --echo."
        console.print(f"[bold green]✓[/] Every check passed.{asked}")
    return 1 if problems else 0


def _problems(settings: Settings, *, echo: bool) -> list[str]:
    problems = []
    if not settings.peers and not settings.accept_any_peer:
        problems.append(
            "No peer is configured, so every association will be rejected: name your scanners and "
            "your PACS under [[peers]] in firstread.toml (docs/settings.md)."
        )
    if not settings.destinations:
        problems.append(
            "No destination is configured, so results go nowhere: give your PACS host, port and "
            'roles = ["source", "destination"] in firstread.toml.'
        )
    problems += _folder_problems(settings.data_folder, settings.min_free_bytes)
    problems += port_problems(settings)
    problems += _secret_problems(settings)
    problems += _certificate_problems(settings)
    problems += _schema_problems(settings)
    problems += _page_problems(settings)
    catalogue = read_catalogue(settings.bundles_folder, settings.bundle_signatures)
    problems += [f"Bundle {name}: {error}" for name, error in catalogue.refused.items()]
    for name in settings.bundles:
        try:
            check_limits(catalogue.newest(name), settings.bundle_limits.get(name, {}))
        except FirstreadError as error:
            problems.append(str(error))
    problems += [
        f"bundle_limits names {name}, which is not among the bundles in use"
        for name in settings.bundle_limits
        if name not in settings.bundles
    ]
    if echo:
        problems += receiver_problems(settings)
    return problems


def _secret_problems(settings: Settings) -> list[str]:
    problems = []
    for peer in settings.destinations:
        try:
            settings.stow_secret(peer)
        except FirstreadError as error:
            problems.append(str(error))
    for channel in settings.flags:
        try:
            open_channel(channel, settings).close()
            if isinstance(channel, SecretChannel):
                channel.secret()
        except FirstreadError as error:
            problems.append(str(error))
    return problems


def _certificate_problems(settings: Settings) -> list[str]:
    """Certificates and keys that cannot be used, or not much longer."""
    now = datetime.now(UTC)
    terms = (one.complaint(now) for one in certificate_terms(settings))
    return [*unusable(settings), *(complaint for complaint in terms if complaint)]


def _schema_problems(settings: Settings) -> list[str]:
    if settings.database_url is None and not settings.sqlite_file.exists():
        return []  # `firstread serve` makes it at its first start
    try:
        check_schema(open_engine(settings.database_address))
    except FirstreadError as error:
        return [str(error)]
    return []


def _page_problems(settings: Settings) -> list[str]:
    try:
        check_network(settings)
        if settings.sign_in.provider is not None:
            settings.sign_in.provider.client_secret()
    except FirstreadError as error:
        return [str(error)]
    return []


def _folder_problems(folder: Path, min_free_bytes: int) -> list[str]:
    try:
        make_data_folder(folder)
        probe = folder / ".write-check"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        return [f"The data folder cannot be written: {error.strerror}"]
    return [message] if (message := disk_problem(folder, min_free_bytes)) else []
