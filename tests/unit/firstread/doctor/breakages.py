"""One thing of a site in which everything is well, broken on purpose: what the doctor must name."""

from __future__ import annotations

import http.server
import re
import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from database.process_signs import note_sweep, record_sign
from database.schema import upgrade_schema
from database.session import open_engine, transaction
from database.tables.readers.upload import ProcessSign
from firstread.data_folder import served_alone
from models.declared.released import file_digest
from radiology.algorithm import ExecutionProvider
from settings.flags import Flagging
from settings.object_storage import ObjectStorage
from settings.peers import Peer
from tests.builders.dicom.issuer import Issuer
from tests.peers.dicom.tampering_pacs import MOVE, running_tampering_pacs
from tests.peers.flag_receivers import answers_with, running_web_receiver
from tests.peers.hl7_listener import Behaviour, hl7_listener
from tests.peers.ports import free_port
from tests.unit.firstread.doctor.healthy_site import MACHINE, HealthySite, giving_signs

Break = Callable[[HealthySite, ExitStack], HealthySite]
_SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"


def database_down(well: HealthySite, _: ExitStack) -> HealthySite:
    url = f"postgresql://firstread:secret@127.0.0.1:{free_port()}/firstread"
    return well.with_settings(database_url=SecretStr(url))


def storage_down(well: HealthySite, _: ExitStack) -> HealthySite:
    address = f"http://127.0.0.1:{free_port()}"
    storage = ObjectStorage(
        endpoint=address, bucket="firstread", access_key="a", secret_key=SecretStr("secret@")
    )
    return well.with_settings(
        database_url=SecretStr(well.settings.database_address), object_storage=storage
    )


def database_read_only(well: HealthySite, _: ExitStack) -> HealthySite:
    url = f"sqlite:///file:{well.settings.sqlite_file}?mode=ro&uri=true"
    return well.with_settings(database_url=SecretStr(url)).with_site(run_id=None)


def old_schema(well: HealthySite, _: ExitStack) -> HealthySite:
    engine = open_engine(f"sqlite:///{well.folder / 'old.sqlite'}")
    upgrade_schema(engine, "0010_counted")
    engine.dispose()
    return well.with_settings(database_url=SecretStr(f"sqlite:///{well.folder / 'old.sqlite'}"))


def no_database(well: HealthySite, _: ExitStack) -> HealthySite:
    return well.with_settings(data_folder=well.folder / "elsewhere")


def broker_down(well: HealthySite, _: ExitStack) -> HealthySite:
    return well.with_settings(broker_url=SecretStr(f"redis://127.0.0.1:{free_port()}/0"))


def broker_folder_taken(well: HealthySite, _: ExitStack) -> HealthySite:
    well.settings.broker_folder.write_bytes(b"")
    return well


def folder_is_a_file(well: HealthySite, _: ExitStack) -> HealthySite:
    (well.folder / "file").write_bytes(b"")
    return well.with_settings(data_folder=well.folder / "file")


def no_room(well: HealthySite, _: ExitStack) -> HealthySite:
    return well.with_settings(min_free_bytes=10**18)


def past_the_mark(well: HealthySite, _: ExitStack) -> HealthySite:
    marks = {"high_mark_percent": 0.002, "low_mark_percent": 0.001}
    return well.with_settings(retention=marks)


def port_taken(well: HealthySite, stack: ExitStack) -> HealthySite:
    server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    return well.with_settings(dicom_port=server.getsockname()[1])


def port_silent(well: HealthySite, stack: ExitStack) -> HealthySite:
    stack.enter_context(served_alone(well.settings.data_folder))
    return well


def part_ahead(well: HealthySite, _: ExitStack) -> HealthySite:
    now = datetime.now(UTC)
    with transaction(well.site.engine) as session:
        ahead = now + timedelta(minutes=2)
        record_sign(session, "gpu-2:7", "analysis", started_at=now, now=ahead)
    return well


def web_clock_behind(well: HealthySite, stack: ExitStack) -> HealthySite:
    url = web_service(stack, "Mon, 02 Nov 2026 10:00:00 GMT")
    return well.with_peer(stow_url=url, host=None, port=None)


def web_service(stack: ExitStack, date: str) -> str:
    """A DICOMweb service that answers to a search with nothing, and with a time."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response_only(204)
            self.send_header("Date", date)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    stack.callback(server.server_close)
    stack.callback(server.shutdown)
    return f"http://127.0.0.1:{server.server_address[1]}/dicom-web"


def with_certificate(ends_in: timedelta, *, other_key: bool = False, gone: bool = False) -> Break:
    def build(well: HealthySite, _: ExitStack) -> HealthySite:
        issuer = Issuer.new(well.folder / "issuer")
        ours = issuer.issue("firstread.hospital", begins=timedelta(days=-300), ends=ends_in)
        if other_key:
            ours.key.write_bytes(issuer.issue("other").key.read_bytes())
        if gone:
            ours.certificate.unlink()
        tls = {"certificate_file": ours.certificate, "key_file": ours.key, "ca_file": issuer.file}
        peers = (*well.settings.peers,)
        return well.with_settings(dicom_tls={**tls, "plain_port": free_port()}, peers=peers)

    return build


def bundle_file(well: HealthySite, name: str) -> Path:
    (folder,) = well.settings.bundles_folder.glob("*/*")
    return folder / name


def bundle_damaged(well: HealthySite, _: ExitStack) -> HealthySite:
    (network, *_rest) = sorted(bundle_file(well, "").glob("*.onnx"))
    raw = bytearray(network.read_bytes())
    raw[len(raw) // 2] ^= 1
    network.write_bytes(raw)
    return well


def golden_differs(well: HealthySite, _: ExitStack) -> HealthySite:
    """Another answer is written down, under a correct digest: as if this machine answered so."""
    golden, declaration = bundle_file(well, "golden.json"), bundle_file(well, "bundle.toml")
    before = file_digest(golden)
    text = golden.read_text()
    changed = re.sub(r'("class_means": \[\s*)[0-9.e-]+', r"\g<1>0.987", text, count=1)
    assert changed != text
    golden.write_text(changed)
    declared = declaration.read_text()
    assert before in declared
    declaration.write_text(declared.replace(before, file_digest(golden)))
    return well


def cuda_demanded(well: HealthySite, _: ExitStack) -> HealthySite:
    return well.with_settings(execution_provider=ExecutionProvider.CUDA)


def bundle_gone(well: HealthySite, _: ExitStack) -> HealthySite:
    return well.with_settings(bundles=("chest-ct-other",))


def peer_away(well: HealthySite, _: ExitStack) -> HealthySite:
    return well.with_peer(port=free_port())


def peers_title_wrong(well: HealthySite, _: ExitStack) -> HealthySite:
    return well.with_peer(ae_title="ARCHIVE")


def we_are_unknown(well: HealthySite, stack: ExitStack) -> HealthySite:
    pacs = stack.enter_context(running_tampering_pacs(knows=["SCANNER"]))
    return well.with_peer(port=pacs.port)


def no_segmentations(well: HealthySite, stack: ExitStack) -> HealthySite:
    pacs = stack.enter_context(running_tampering_pacs(without=[_SEGMENTATION]))
    return well.with_peer(port=pacs.port)


def no_move(well: HealthySite, stack: ExitStack) -> HealthySite:
    pacs = stack.enter_context(running_tampering_pacs(without=[MOVE]))
    return well.with_peer(port=pacs.port, roles=["source", "query"])


def scanner_silent(well: HealthySite, _: ExitStack) -> HealthySite:
    scanner = Peer.model_validate(
        {"name": "ct1", "ae_title": "CT1", "host": "127.0.0.1", "port": free_port()}
    )
    return well.with_settings(peers=(*well.settings.peers, scanner))


def receiver_down(well: HealthySite, _: ExitStack) -> HealthySite:
    return well.with_channel(kind="webhook", url=f"http://127.0.0.1:{free_port()}/hook")


def receiver_refuses(well: HealthySite, stack: ExitStack) -> HealthySite:
    receiver = stack.enter_context(running_web_receiver(answers_with(403)))
    return well.with_channel(kind="webhook", url=receiver.url)


def his_answers_error(well: HealthySite, stack: ExitStack) -> HealthySite:
    his = stack.enter_context(hl7_listener())
    his.script.append(Behaviour.ERROR)
    return well.with_channel(kind="hl7", host="127.0.0.1", port=his.port)


def secret_gone(well: HealthySite, _: ExitStack) -> HealthySite:
    url, secret = "https://pager.example/hook", well.folder / "secret"
    return well.with_channel(kind="webhook", url=url, secret_file=secret)


def worker_silent(well: HealthySite, _: ExitStack) -> HealthySite:
    long_ago = datetime.now(UTC) - timedelta(minutes=5)
    with transaction(well.site.engine) as session:
        for sign in session.query(ProcessSign).filter_by(part="analysis"):
            sign.seen_at = long_ago
    return well


def beat_dead(well: HealthySite, _: ExitStack) -> HealthySite:
    with transaction(well.site.engine) as session:
        note_sweep(session, datetime.now(UTC) - timedelta(minutes=5))
    return well


def nothing_runs(well: HealthySite, _: ExitStack) -> HealthySite:
    with transaction(well.site.engine) as session:
        session.query(ProcessSign).delete()
    return well


def two_of_them(well: HealthySite, stack: ExitStack) -> HealthySite:
    stack.enter_context(giving_signs(well, f"{MACHINE}:77", "ct-ai-old:3", part="beat"))
    return well.with_site(sign_s=0.5)


def no_destination(well: HealthySite, _: ExitStack) -> HealthySite:
    return well.with_peer(roles=["source"])


def no_source(well: HealthySite, _: ExitStack) -> HealthySite:
    return well.with_peer(roles=["destination"])


def anybody(well: HealthySite, _: ExitStack) -> HealthySite:
    return well.with_settings(accept_any_peer=True)


def link_of_this_machine(well: HealthySite, _: ExitStack) -> HealthySite:
    flagging = Flagging.model_validate({"page_url": "http://localhost:8470"})
    site = well.with_channel(kind="webhook", url="https://pager.example/hook")
    return site.with_settings(flagging=flagging)


Case = tuple[Break, str, str, str]
"""What is broken, the line that says it, and something of what it says and of its cure."""

BROKEN: Final[list[Case]] = [
    (database_down, "database.reachable", "onnection refused", "database_url"),
    (database_read_only, "database.commit", "nothing can be written", "read-only"),
    (old_schema, "database.schema", "does not fit", "firstread db upgrade"),
    (no_database, "database.reachable", "no database at", "firstread serve"),
    (broker_down, "broker", "Redis does not answer", "Start Redis"),
    (broker_folder_taken, "broker", "cannot be written", "'broker'"),
    (storage_down, "object-storage", "does not answer", "Start it"),
    (folder_is_a_file, "disk.writable", "cannot be written", "data_folder"),
    (no_room, "room.bytes", "studies are refused below", "min_free_bytes"),
    (port_taken, "ports", "is taken by another program", "ss -ltnp"),
    (part_ahead, "clocks", "analysis (gpu-2:7) is 1", "timedatectl"),
    (with_certificate(timedelta(days=-2)), "certificates", "has expired", "issued anew"),
    (
        with_certificate(timedelta(days=90), other_key=True),
        "certificates.pair",
        "belong together",
        "openssl pkey",
    ),
    (cuda_demanded, "bundle.provider", "has no CUDA", 'execution_provider = "cpu"'),
    (
        golden_differs,
        "bundle.golden",
        "does not answer as it was released",
        "Install the bundle again",
    ),
    (bundle_gone, "bundle.whole", "No whole version of chest-ct-other", "bundles"),
    (peer_away, "peer.echo", "Nothing listens", "nc -vz 127.0.0.1"),
    (peers_title_wrong, "peer.echo", "does not go by AE title ARCHIVE", "correct ae_title"),
    (we_are_unknown, "peer.echo", "does not know us", "add AE title FIRSTREAD"),
    (no_segmentations, "peer.takes", "pacs does not take SEG", _SEGMENTATION),
    (no_move, "peer.offers", "does not offer C-MOVE", 'the role "query"'),
    (receiver_down, "flag.receiver", "pager: ", "firstread flags test pager"),
    (receiver_refuses, "flag.receiver", "is the secret the same", "says no"),
    (his_answers_error, "flag.receiver", "pager: ", "its own log"),
    (secret_gone, "flag.receiver", "secret cannot be read", "[[flags]] pager"),
    (worker_silent, "parts.silent", "Part analysis is silent", "restart"),
    (beat_dead, "parts.sweep", "nothing is assembled", "beat sends it"),
    (nothing_runs, "parts", "Firstread does not run", "systemctl start firstread"),
    (two_of_them, "parts.twice", "beat runs", "stop one of them"),
    (no_destination, "settings.destinations", "go nowhere", "roles = "),
    (no_source, "settings.peers", "every association is rejected", "[[peers]]"),
]
TO_LOOK_AT: Final[list[Case]] = [
    (past_the_mark, "room.bytes", "past the mark", "retention --dry-run"),
    (web_clock_behind, "clocks", "s behind ours", "timedatectl"),
    (with_certificate(timedelta(days=9)), "certificates", "in 8 days", "issued anew"),
    (scanner_silent, "peer.echo", "ct1: Nothing listens", "nc -vz"),
    (anybody, "settings.peers", "anybody on the network", "switch it off"),
    (link_of_this_machine, "settings.links", "(pager) links to http://localhost", "page_url"),
]
