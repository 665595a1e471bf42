"""`firstread`: the command line. Each command calls a separate module."""

from __future__ import annotations

from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer

from firstread.audit.command import audit
from firstread.backup.command import backup, move, restore
from firstread.conformance.command import conformance
from firstread.encode.command import encode
from firstread.evaluate.command import evaluate
from firstread.feedback.command import feedback
from firstread.flags.command import flags
from firstread.hl7.command import hl7
from firstread.jobs.command import jobs
from firstread.models.command import models
from firstread.phantom.command import phantom
from firstread.predict.command import predict
from firstread.results.command import results
from firstread.say import console, errors_to_exit_code
from firstread.sbom.command import sbom
from firstread.users.command import users
from radiology.errors import SettingsRefused
from settings.environment import Settings, read_settings
from settings.log.log_events import configure_command_logging, configure_logging
from settings.served_process import ServedProcess

app = typer.Typer(
    name="firstread",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_show_locals=False,  # locals may hold data sets
    help="""Reads a chest CT when it arrives, writes what it found into PACS, and moves the urgent
study to the top of the list. **For research; not a medical device.**

Examples: `firstread demo` shows the whole path; `firstread check-settings` says whether the
settings would work; `firstread serve` runs it; `firstread jobs` shows what became of studies.""",
)
db = typer.Typer(no_args_is_help=True, help="The database schema.")
app.add_typer(db, name="db")
app.add_typer(jobs, name="jobs")
app.add_typer(results, name="results")
app.add_typer(flags, name="flags")
app.add_typer(evaluate, name="evaluate")
app.command()(predict)
app.command()(encode)
app.command()(phantom)
app.command()(backup)
app.command()(restore)
app.command()(move)
app.command()(sbom)
app.command()(conformance)
app.add_typer(models, name="models")
app.add_typer(feedback, name="feedback")
app.add_typer(hl7, name="hl7")
app.add_typer(users, name="users")
app.add_typer(audit, name="audit")


def _settings(**overrides: object) -> Settings:
    given = {name: value for name, value in overrides.items() if value is not None}
    settings = read_settings(**given)
    configure_command_logging(settings)
    return settings


def _print_version(asked: bool) -> None:
    if asked:
        print(f"firstread {metadata.version('firstread')}")
        raise typer.Exit


@app.callback()
def about(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """What holds for every command: nothing but the version."""


@app.command()
def serve(
    only: Annotated[
        ServedProcess | None,
        typer.Option(help="Run one part in the foreground, as containers do."),
    ] = None,
    concurrency: Annotated[
        int, typer.Option(min=1, help="Processes of an analysis or delivery worker.")
    ] = 1,
) -> None:
    """Run Firstread: node, workers, beat and worklist page, or one of them.

    Examples: `firstread serve`; `firstread serve --only analysis` (one for each GPU).
    """
    from firstread.serve.served_parts import serve_all, serve_part

    with errors_to_exit_code():
        settings = read_settings()
        configure_logging(settings)
        code = serve_all(settings) if only is None else serve_part(settings, only, concurrency)
    raise typer.Exit(code)


@app.command()
def demo(
    study: Annotated[
        Path | None,
        typer.Option(help="A folder with the DICOM instances of a CT study; default: a phantom."),
    ] = None,
    data_folder: Annotated[
        Path, typer.Option(help="Where the demo keeps what it receives and makes.")
    ] = Path("build/demo"),
    dicom_port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the DICOM node; 0: any free one.")
    ] = 0,
    worklist_port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the worklist page; 0: any free one.")
    ] = 0,
    keep_running: Annotated[
        bool, typer.Option(help="Leave the worklist page running until Ctrl-C.")
    ] = False,
) -> None:
    """Show the whole path once: scanner, queue, model, PACS, worklist page.

    Examples: `firstread demo`; `firstread demo --study /data/chest-ct --keep-running`.
    """
    from firstread.demo.run import run_demo
    from firstread.demo.stage import Ports

    with errors_to_exit_code():
        ports = Ports(dicom=dicom_port, worklist=worklist_port)
        code = run_demo(study, data_folder, ports=ports, keep_running=keep_running)
    raise typer.Exit(code)


@app.command()
def send(
    folder: Annotated[Path, typer.Argument(help="A folder with DICOM instances.")],
    host: Annotated[str, typer.Option(help="Address of the receiving node.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Its DICOM port.")] = 11112,
    called: Annotated[str, typer.Option(help="Its AE title.")] = "FIRSTREAD",
    calling: Annotated[str, typer.Option(help="Our AE title.")] = "FIRSTREAD_SCU",
) -> None:
    """Send a folder by C-STORE, as a scanner would: one association for each study.

    Example: `firstread send ./chest-ct --host ct-ai.hospital --port 11112`.
    """
    from firstread.send import send_and_show

    with errors_to_exit_code():
        code = send_and_show(folder, host=host, port=port, called=called, calling=calling)
    raise typer.Exit(code)


@app.command()
def scorecard(
    first: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="First day; default: 30 days back."),
    ] = None,
    last: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day; default: today.")
    ] = None,
    scanner: Annotated[str | None, typer.Option(help="AE title of who sent the studies.")] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Workers in the what-if; default: as many as ran.")
    ] = None,
    readers: Annotated[int, typer.Option(min=1, max=100, help="Readers in the what-if.")] = 1,
    reading_min: Annotated[
        float, typer.Option(min=0.1, help="Minutes that a reader takes for a study.")
    ] = 10.0,
    limit_min: Annotated[
        float, typer.Option(min=0, help="Minutes that a routine study may wait there.")
    ] = 240.0,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object on standard output.")
    ] = False,
) -> None:
    """Time from last image to result, flag, opening and acknowledgement; and a what-if.

    Example: `firstread scorecard --first 2026-01-01 --last 2026-01-31 --json`.
    """
    from firstread.scorecard import print_scorecard
    from worklist.scorecard.figures import ReadingRoom

    with errors_to_exit_code():
        print_scorecard(
            _settings(),
            first.date() if first else None,
            last.date() if last else None,
            scanner=scanner,
            room=ReadingRoom(readers, reading_min * 60.0, limit_min * 60.0),
            workers=workers,
            as_json=as_json,
        )


@app.command()
def retention(
    now: Annotated[
        bool, typer.Option("--now", help="Remove it at once; otherwise it is only listed.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only list it: what happens without an option too.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object on standard output.")
    ] = False,
) -> None:
    """List what is past its age or the disk's marks, what is held back, and why.

    The housekeeping removes the same by itself, a little each minute.

    Examples: `firstread retention --dry-run --json`; `firstread retention --now`.
    """
    from firstread.retention import print_retention, remove_and_print

    with errors_to_exit_code():
        if now and (dry_run or as_json):
            raise SettingsRefused("--now removes; --dry-run and --json only list")
        if now:
            remove_and_print(_settings())
        else:
            print_retention(_settings(), as_json=as_json)


@app.command()
def forget(
    what: Annotated[
        str, typer.Argument(help="A Study Instance UID, an accession number or a Patient ID.")
    ],
    issuer: Annotated[
        str | None, typer.Option(help="Issuer of the Patient ID, where two have used it.")
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Remove it; otherwise it only says what would go.")
    ] = False,
    wait_s: Annotated[
        float, typer.Option("--wait", min=0, help="Wait so many seconds for work on it to end.")
    ] = 60.0,
    thorough: Annotated[
        bool, typer.Option(help="In the end read every byte of the data folder, not only names.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object on standard output.")
    ] = False,
) -> None:
    """Remove a study, or a patient with all studies, from everywhere here; and prove it.

    Firstread may run meanwhile. What PACS and others hold is listed and stays.

    Examples: `firstread forget 1.2.840.99.7`; `firstread forget patient:4711 --yes`.
    """
    from firstread.forget import forget_and_print

    with errors_to_exit_code():
        code = forget_and_print(
            _settings(),
            what,
            issuer=issuer,
            yes=yes,
            wait_s=wait_s,
            thorough=thorough,
            as_json=as_json,
        )
    raise typer.Exit(code)


@db.command("upgrade")
def upgrade() -> None:
    """Bring the database schema up to date; safe to run at every start."""
    from database.schema import upgrade_schema
    from database.session import open_engine
    from firstread.data_folder import make_data_folder, refuse_second_firstread

    with errors_to_exit_code():
        settings = _settings()
        refuse_second_firstread(settings)
        make_data_folder(settings.data_folder)
        upgrade_schema(open_engine(settings.database_address))
        console.print("The database schema is up to date.")


@db.command("revision", hidden=True)
def revision(message: Annotated[str, typer.Argument(help="What changes, in a few words.")]) -> None:
    """For developers: write a migration from what the tables have and the database has not."""
    from database.schema import write_revision
    from database.session import open_engine

    with errors_to_exit_code():
        write_revision(open_engine(_settings().database_address), message)


@app.command()
def status(
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object on standard output.")
    ] = False,
    part: Annotated[
        ServedProcess | None, typer.Option(help="Only whether this part gives signs of life.")
    ] = None,
    here: Annotated[
        bool, typer.Option("--here", help="With --part: on this machine, or in this container.")
    ] = False,
) -> None:
    """Whether everything runs, what waits, and what waits for a person; exits with 1 if failing."""
    from firstread.status import print_part, print_status

    if part is None and here:
        raise typer.BadParameter("--here needs --part")
    with errors_to_exit_code():
        if part is not None:
            raise typer.Exit(print_part(_settings(), part, here=here))
        raise typer.Exit(print_status(_settings(), as_json=as_json))


@app.command("check-settings")
def check_settings(
    echo: Annotated[
        bool,
        typer.Option(help="Also send C-ECHO to every destination, and call every flag receiver."),
    ] = False,
    show: Annotated[
        bool, typer.Option("--show", help="Also print every setting in force, secrets masked.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Whether the settings would work: each check, and what to do; exits with 1 if not."""
    from firstread.checks.command import print_checks

    with errors_to_exit_code():
        code = print_checks(_settings(), echo=echo, show=show, as_json=as_json)
    raise typer.Exit(code)


@app.command()
def doctor(
    send_phantom: Annotated[
        bool, typer.Option(help="Send a phantom through the whole path, as a test patient.")
    ] = True,
    tell_flags: Annotated[
        bool, typer.Option(help="Tell every flag receiver of a study that is marked as a test.")
    ] = True,
    phantom_limit: Annotated[
        float, typer.Option(min=10, help="Seconds that the phantom may take.")
    ] = 300.0,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object on standard output.")
    ] = False,
    run: Annotated[int | None, typer.Option(hidden=True, help="The page has begun it.")] = None,
) -> None:
    """Look at everything that Firstread needs; each line fine, to look at or broken, with the cure.

    The exit code is 0, 1 or 2. The phantom's results stay in PACS, under a patient called TEST.

    Examples: `firstread doctor`; `firstread doctor --no-send-phantom --no-tell-flags --json`.
    """
    from firstread.doctor.command import DoctorOptions, run_doctor

    with errors_to_exit_code():
        code = run_doctor(
            _settings, DoctorOptions(send_phantom, tell_flags, phantom_limit, as_json, run)
        )
    raise typer.Exit(code)


def main() -> None:
    """Entry point of the `firstread` command."""
    app()


if __name__ == "__main__":
    main()
