"""The checks of `firstread check-settings`: whether what the settings name is there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Final

from database.schema import check_schema
from database.session import open_engine
from firstread.checks.check import Check, CheckFinding, CheckResult, broken, warned
from firstread.checks.links import link_warnings
from firstread.checks.network import port_problems, receiver_problems
from firstread.checks.object_storage import probe_storage
from firstread.data_folder import is_of_nobody, make_data_folder
from models.catalogue import read_catalogue
from models.readers.open_reader import check_limits
from radiology.errors import FirstreadError
from settings.certificates.in_use import certificate_terms, unusable
from settings.environment import Settings
from settings.flags import SecretChannel
from worker.flag.channels import open_channel
from worklist.administration.problems import disk_problem
from worklist.server import check_network


def check_all(settings: Settings, *, echo: bool) -> tuple[CheckResult, ...]:
    """What every check says.

    Parameters
    ----------
    echo : also ask every destination, and call every flag receiver
    """
    checks = (*CHECKS, RECEIVERS) if echo else CHECKS
    return tuple(check(settings) for check in checks)


def _peers(settings: Settings) -> Iterable[CheckFinding]:
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
    return broken(problems)


def _data_folder(settings: Settings) -> Iterable[CheckFinding]:
    folder = settings.data_folder
    if is_of_nobody(settings):
        return warned(
            [
                f"No settings file was read, and there is no data folder at {folder.resolve()}: "
                "call the command in the folder that 'firstread serve' is started in, or let "
                "FIRSTREAD_SETTINGS_FILE name the settings file."
            ]
        )
    try:
        make_data_folder(folder)
        probe = folder / ".write-check"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        return broken([f"The data folder cannot be written: {error.strerror}"])
    message = disk_problem(folder, settings.min_free_bytes)
    return broken([message] if message else [])


def _object_storage(settings: Settings) -> Iterable[CheckFinding]:
    if settings.object_storage is None:
        return ()
    try:
        seen = probe_storage(settings.object_storage)
    except FirstreadError as error:
        return broken([f"{error}: look at endpoint, bucket, keys and rights of object_storage."])
    apart = f"The clock of the object storage is {abs(seen.apart_s):.0f} s from ours: set both."
    return broken([apart] if seen.is_apart else [])


def _secrets(settings: Settings) -> Iterable[CheckFinding]:
    return broken(_secret_problems(settings))


def _secret_problems(settings: Settings) -> Iterator[str]:
    for peer in settings.destinations:
        try:
            settings.stow_secret(peer)
        except FirstreadError as error:
            yield str(error)
    for channel in settings.flags:
        try:
            open_channel(channel, settings).close()
            if isinstance(channel, SecretChannel):
                channel.secret()
        except FirstreadError as error:
            yield str(error)


def _certificates(settings: Settings) -> Iterable[CheckFinding]:
    """Those that cannot be used, and those that cannot much longer."""
    now = datetime.now(UTC)
    yield from broken(unusable(settings))
    for term in certificate_terms(settings):
        said = [complaint] if (complaint := term.complaint(now)) else []
        yield from broken(said) if term.fault or term.over(now) else warned(said)


def _schema(settings: Settings) -> Iterable[CheckFinding]:
    if settings.database_url is None and not settings.sqlite_file.exists():
        return ()  # `firstread serve` makes it at its first start
    try:
        check_schema(open_engine(settings.database_address))
    except FirstreadError as error:
        return broken([str(error)])
    return ()


def _page(settings: Settings) -> Iterable[CheckFinding]:
    try:
        check_network(settings)
        if settings.sign_in.provider is not None:
            settings.sign_in.provider.client_secret()
    except FirstreadError as error:
        return broken([str(error)])
    return ()


def _bundles(settings: Settings) -> Iterable[CheckFinding]:
    return broken(_bundle_problems(settings))


def _bundle_problems(settings: Settings) -> Iterator[str]:
    catalogue = read_catalogue(settings.bundles_folder, settings.bundle_signatures)
    yield from (f"Bundle {name}: {error}" for name, error in catalogue.refused.items())
    for name in settings.bundles:
        try:
            check_limits(catalogue.newest(name), settings.bundle_limits.get(name, {}))
        except FirstreadError as error:
            yield str(error)
    for name in settings.bundle_limits:
        if name not in settings.bundles:
            yield f"bundle_limits names {name}, which is not among the bundles in use"


CHECKS: Final = (
    Check("peers", "Peers and destinations", _peers),
    Check("data_folder", "Data folder, and room on its disk", _data_folder),
    Check("object_storage", "Object storage", _object_storage),
    Check("ports", "Our ports", lambda settings: broken(port_problems(settings))),
    Check("secrets", "Secrets of peers and flag channels", _secrets),
    Check("certificates", "Certificates and keys", _certificates),
    Check("database", "Database, and its schema", _schema),
    Check("page", "Worklist page on the network", _page),
    Check("links", "Links to the worklist page", lambda settings: warned(link_warnings(settings))),
    Check("bundles", "Bundles, and limits of their rules", _bundles),
)
"""Those that ask nobody."""

RECEIVERS: Final = Check(
    "receivers",
    "Destinations and flag receivers answer",
    lambda settings: broken(receiver_problems(settings)),
)
"""The one that asks peers; each may take five seconds."""
