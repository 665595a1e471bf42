"""The health check for a monitoring system: JSON, no patient's data."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import JSONResponse

from database.session import query
from database.views.worklist_rows import oldest_waiting_job
from radiology.errors import DatabaseUnavailable
from worklist.page.screens import PageContext


def health_routes(context: PageContext) -> APIRouter:
    """`GET /health`: 200 while the database answers, 503 otherwise."""
    router = APIRouter()

    @router.get("/health")
    def health() -> JSONResponse:
        try:
            with query(context.engine) as session:
                oldest = oldest_waiting_job(session)
        except DatabaseUnavailable:
            return JSONResponse(
                {"status": "unavailable", "database": "unreachable"}, status_code=503
            )
        waited_s = max(0.0, (context.clock() - oldest).total_seconds()) if oldest else None
        return JSONResponse(
            {"status": "ok", "database": "reachable", "oldest_waiting_job_s": waited_s}
        )

    return router
