"""The health check for a monitoring system: JSON, no patient's data.

| status        | HTTP | meaning                                                               |
|---------------|------|-----------------------------------------------------------------------|
| `ok`          | 200  | everything runs, and nothing waits for a person                       |
| `attention`   | 200  | everything runs; something waits for a person, or for a peer          |
| `failing`     | 503  | studies are not taken, not read or not sent: a part, the disk, beat … |
| `unavailable` | 503  | the database does not answer                                          |
"""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import JSONResponse

from database.session import query
from database.views.worklist.worklist_rows import oldest_waiting_job
from radiology.errors import DatabaseUnavailable
from worklist.administration.parts import part_signs
from worklist.administration.problems import find_problems
from worklist.page.screens import PageContext


def health_routes(context: PageContext) -> APIRouter:
    """`GET /health` of the whole, `/health/parts` of each part, `/health/page` of this process."""
    router = APIRouter()

    @router.get("/health")
    def health() -> JSONResponse:
        now = context.clock()
        try:
            with query(context.engine) as session:
                oldest = oldest_waiting_job(session)
                problems = find_problems(session, context.settings, now)
        except DatabaseUnavailable:
            return _without_database()
        failing = any(one.failing for one in problems)
        status = "failing" if failing else "attention" if problems else "ok"
        waited_s = max(0.0, (now - oldest).total_seconds()) if oldest else None
        return JSONResponse(
            {
                "status": status,
                "database": "reachable",
                "oldest_waiting_job_s": waited_s,
                "problems": [
                    {"name": one.name, "failing": one.failing, "message": one.message}
                    for one in problems
                ],
            },
            status_code=503 if failing else 200,
        )

    @router.get("/health/parts")
    def parts() -> JSONResponse:
        try:
            with query(context.engine) as session:
                found = part_signs(session, context.settings, context.clock())
        except DatabaseUnavailable:
            return _without_database()
        silent = any(one.is_silent for one in found)
        return JSONResponse(
            {
                "status": "failing" if silent else "ok",
                "parts": {
                    one.part: {
                        "status": "silent" if one.is_silent else "ok",
                        "processes": one.processes,
                        "last_sign_s": one.last_sign_s,
                    }
                    for one in found
                },
            },
            status_code=503 if silent else 200,
        )

    @router.get("/health/page")
    def page() -> JSONResponse:
        # For who starts this process again: a full disk is no reason to.
        try:
            with query(context.engine) as session:
                oldest_waiting_job(session)
        except DatabaseUnavailable:
            return _without_database()
        return JSONResponse({"status": "ok", "database": "reachable"})

    return router


def _without_database() -> JSONResponse:
    return JSONResponse({"status": "unavailable", "database": "unreachable"}, status_code=503)
