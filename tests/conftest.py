"""Fixtures for every test: the real peers, real CT studies, and the settings of the libraries."""

from __future__ import annotations

import gc
import os
import re
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, settings
from playwright.sync_api import Browser, Page

from tests.peers.dicom.dcmtk import Dcmtk
from tests.peers.dicom.dicom3tools import Checker
from tests.peers.dicom.dicom3tools import dciodvfy as run_dciodvfy
from tests.peers.dicom.orthanc import OrthancPeer, start_orthanc
from tests.peers.page.chromium import running_chromium
from tests.peers.ports import free_port as new_free_port
from tests.peers.postgres import PostgresServer, start_postgres
from tests.peers.programs import REPOSITORY, shared_ct_folder, shared_data
from tests.peers.redis import RedisServer, start_redis
from tests.peers.seaweedfs import ObjectServer, start_object_server

# Two busy cores make single examples slow without anything being wrong.
settings.register_profile(
    "firstread", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("firstread")


_FAILED = pytest.StashKey[bool]()


def pytest_collection_finish() -> None:
    """Keep the garbage collector from walking through every test and library again and again.

    It took an eighth of the time of the page's tests.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let fixtures know at their end whether the test failed."""
    report = yield
    item.stash[_FAILED] = report.failed or item.stash.get(_FAILED, False)
    return report


@pytest.fixture
def keep_failing_picture(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Give a function that keeps a picture of a page in test-results/ if the test failed."""

    def keep(page: Page, *, failed: bool = False) -> None:
        if failed or request.node.stash.get(_FAILED, False):
            name = re.sub(r"[^\w.-]+", "-", request.node.name)
            page.screenshot(path=REPOSITORY / "test-results" / f"{name}.png")

    return keep


@pytest.fixture(autouse=True)
def _settings_from_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the desk's own FIRSTREAD_ settings from every test."""
    for name in list(os.environ):
        if name.startswith("FIRSTREAD_"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def shared_ct() -> Path:
    """Folder of real CT studies: covid-P001, normal-001, lung-tumour-8mm, tiny-64x64, …."""
    return shared_ct_folder()


@pytest.fixture(scope="session")
def shared_training() -> Path:
    """Folder of the public training data."""
    return shared_data() / "training"


@pytest.fixture
def free_port() -> Callable[[], int]:
    """Give a function that gives free ports of the loopback interface."""
    return new_free_port


@pytest.fixture(scope="session")
def _orthanc_of_this_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrthancPeer]:
    peer = start_orthanc(tmp_path_factory.mktemp("orthanc"))
    yield peer
    peer.process.stop()


@pytest.fixture
def orthanc(_orthanc_of_this_run: OrthancPeer) -> OrthancPeer:
    """Give an empty Orthanc that knows no peer yet (see ``know_peer``)."""
    _orthanc_of_this_run.forget_all()
    return _orthanc_of_this_run


@pytest.fixture
def another_orthanc(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[..., OrthancPeer]]:
    """Give a function that starts an Orthanc of the test's own, for example to stop it.

    It takes ``ae_title`` and ``options`` (entries of Orthanc's configuration).
    """
    started: list[OrthancPeer] = []

    def start(**arguments: Any) -> OrthancPeer:
        peer = start_orthanc(tmp_path_factory.mktemp("orthanc"), **arguments)
        started.append(peer)
        return peer

    yield start
    for peer in started:
        peer.process.stop()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """Give the PostgreSQL server of this test run."""
    server = start_postgres()
    yield server
    server.stop()


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """Give the URL of an empty PostgreSQL database."""
    url = postgres_server.new_database()
    yield url
    postgres_server.drop_database(url)


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """Give the Redis server of this test run."""
    server = start_redis(tmp_path_factory.mktemp("redis"))
    yield server
    server.stop()


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """Give the URL of an empty Redis."""
    redis_server.flush()
    return redis_server.url


@pytest.fixture(scope="session")
def object_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectServer]:
    """Give the object storage of this test run."""
    server = start_object_server(tmp_path_factory.mktemp("objects"))
    yield server
    server.stop()


@pytest.fixture
def dcmtk(tmp_path: Path) -> Iterator[Dcmtk]:
    """Give the programs of dcmtk; every storescp started with it ends with the test."""
    programs = Dcmtk(work_folder=tmp_path / "dcmtk")
    yield programs
    programs.stop()


@pytest.fixture
def dciodvfy(tmp_path: Path) -> Checker:
    """Give a function that checks a file or a data set with dciodvfy."""
    return lambda instance: run_dciodvfy(instance, work_folder=tmp_path)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Give a running Chromium.

    Not for the whole run: while Playwright is started its event loop runs in this thread, and no
    test of another module could use ``asyncio.run``.
    """
    with running_chromium() as running:
        yield running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Give an empty page; a script error on it fails the test."""
    context = browser.new_context()
    opened = context.new_page()
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    yield opened
    context.close()
    assert not errors, errors


@pytest.fixture(autouse=True, scope="session")
def _first_logging() -> Iterator[dict[str, Any]]:
    """Give the logging that nobody has configured.

    A logger that one test has configured and kept would hide its events from another's
    `capture_logs`.
    """
    configure = structlog.configure

    def without_keeping(**options: Any) -> None:
        configure(**(options | {"cache_logger_on_first_use": False}))

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(structlog, "configure", without_keeping)
        yield structlog.get_config()


@pytest.fixture(autouse=True)
def _nobody_has_configured_logging(_first_logging: dict[str, Any]) -> None:
    """A command that ran before, also for a module, would leave a log without lesser events."""
    structlog.configure(**_first_logging)
