"""The doctor by a button: it runs as a process of its own, and the page follows its row."""

from __future__ import annotations

import socket
import subprocess
import threading
from typing import Annotated, Final

from fastapi import APIRouter, Form, HTTPException
from starlette.responses import RedirectResponse, Response

from database.doctor.runs import begin_run
from database.session import transaction
from settings.environment import Settings
from settings.log.log_events import get_logger
from worklist.administration.command_line import command, environment_of
from worklist.page.current_reader import Administrator
from worklist.page.screens import PageContext

_log = get_logger("worklist")
_HAS_RUN: Final = (0, 1, 2)  # fine, to look at, broken


def doctor_routes(context: PageContext) -> APIRouter:
    """`POST /administration/doctor`; back to its part of the administration page."""
    router = APIRouter(prefix="/administration")

    @router.post("/doctor")
    def doctor(
        administrator: Administrator,
        phantom: Annotated[bool, Form()] = False,
        flags: Annotated[bool, Form()] = False,
    ) -> Response:
        with transaction(context.engine) as session:
            run = begin_run(
                session,
                context.clock(),
                asked_by=administrator.name,
                machine=socket.gethostname(),
            )
            if run is None:
                raise HTTPException(409)
        start_doctor(context.settings, run.run_id, phantom=phantom, flags=flags)
        _log.info("doctor_asked", reader=administrator.name, phantom=phantom, flags=flags)
        return RedirectResponse("/administration#h-doctor", status_code=303)

    return router


def start_doctor(settings: Settings, run_id: int, *, phantom: bool, flags: bool) -> None:
    """Start it and go on; what it finds stands in its row."""
    process = subprocess.Popen(
        command(
            "doctor",
            "--json",
            f"--run={run_id}",
            "--send-phantom" if phantom else "--no-send-phantom",
            "--tell-flags" if flags else "--no-tell-flags",
        ),
        env=environment_of(settings),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    threading.Thread(target=_follow, args=(process, run_id), name="doctor", daemon=True).start()


def _follow(process: subprocess.Popen[bytes], run_id: int) -> None:
    """Wait for its end, or it would stay a zombie; say so where it has not run."""
    code = process.wait()
    if code not in _HAS_RUN:
        _log.error("doctor_broken_off", run_id=run_id, code=code)
