"""The addresses of our DICOMweb services: PS3.18 Chapter 10, Studies Service and Resources.

All of them lie below `/dicom-web`, on the page's own server, with its sign-in and audit events.
Endpoints run in threads, because they read files.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from worklist.access.request_guard import DICOMWEB
from worklist.dicomweb.accepted import accepted_types
from worklist.dicomweb.bulk_data import bulk_data_answer
from worklist.dicomweb.frames import frame_numbers, frames_answer
from worklist.dicomweb.holdings import Asked, HeldFile, find_files
from worklist.dicomweb.instances import instances_answer
from worklist.dicomweb.metadata import check_json, metadata_answer
from worklist.dicomweb.pixels import PixelSource
from worklist.dicomweb.refusal import RequestRefused, not_acceptable, uid_of, wrong
from worklist.dicomweb.rendered import rendered_answer, rendered_asked
from worklist.dicomweb.search.answer import search_answer
from worklist.dicomweb.search.question import Level, read_question
from worklist.dicomweb.store import Store
from worklist.page.current_reader import CurrentReader, PageReader, Role, current_reader
from worklist.page.screens import PageContext

_STUDY = "/studies/{study_instance_uid}"
_SERIES = _STUDY + "/series/{series_instance_uid}"
_INSTANCE = _SERIES + "/instances/{sop_instance_uid}"


def _sender(request: Request) -> PageReader:
    """Whoever sent a request, if they may store instances."""
    reader = current_reader(request)
    if not reader.may(Role.SENDER):
        raise RequestRefused(
            403, "This account may not store: an administrator gives it the role sender."
        )
    return reader


CurrentSender = Annotated[PageReader, Depends(_sender)]


def dicomweb_routes(context: PageContext, store: Store) -> APIRouter:
    """QIDO-RS, WADO-RS and STOW-RS."""
    router = APIRouter()
    router.include_router(_search_routes(context))
    router.include_router(_retrieve_routes(context))
    router.include_router(_instance_routes(context))
    router.include_router(_store_routes(context, store))
    return router


def _search_routes(context: PageContext) -> APIRouter:
    """QIDO-RS (PS3.18 Section 10.6)."""
    router = APIRouter(prefix=DICOMWEB)

    def search(level: Level, within: Asked, request: Request) -> Response:
        check_json(accepted_types(request))
        question = read_question(level, within, request.query_params)
        return search_answer(context, question, _root(context, request))

    @router.get("/studies")
    def studies(request: Request, _reader: CurrentReader) -> Response:
        return search(Level.STUDY, Asked(""), request)

    @router.get("/series")
    def series(request: Request, _reader: CurrentReader) -> Response:
        return search(Level.SERIES, Asked(""), request)

    @router.get("/instances")
    def instances(request: Request, _reader: CurrentReader) -> Response:
        return search(Level.INSTANCE, Asked(""), request)

    @router.get(_STUDY + "/series")
    def of_study(study_instance_uid: str, request: Request, _reader: CurrentReader) -> Response:
        return search(Level.SERIES, Asked(study_instance_uid), request)

    @router.get(_STUDY + "/instances")
    def all_of_study(study_instance_uid: str, request: Request, _reader: CurrentReader) -> Response:
        return search(Level.INSTANCE, Asked(study_instance_uid), request)

    @router.get(_SERIES + "/instances")
    def of_series(
        study_instance_uid: str, series_instance_uid: str, request: Request, _reader: CurrentReader
    ) -> Response:
        return search(Level.INSTANCE, Asked(study_instance_uid, series_instance_uid), request)

    return router


def _retrieve_routes(context: PageContext) -> APIRouter:
    """WADO-RS of studies, series and instances (PS3.18 Section 10.4)."""
    router = APIRouter(prefix=DICOMWEB)

    def instances_of(asked: Asked, request: Request) -> Response:
        return instances_answer(find_files(context, asked), accepted_types(request))

    def metadata_of(asked: Asked, request: Request) -> Response:
        return metadata_answer(
            find_files(context, asked), accepted_types(request), _root(context, request)
        )

    @router.get(_STUDY)
    def study(study_instance_uid: str, request: Request, _reader: CurrentReader) -> Response:
        return instances_of(Asked(study_instance_uid), request)

    @router.get(_STUDY + "/metadata")
    def metadata(study_instance_uid: str, request: Request, _reader: CurrentReader) -> Response:
        return metadata_of(Asked(study_instance_uid), request)

    @router.get(_SERIES)
    def series(
        study_instance_uid: str, series_instance_uid: str, request: Request, _reader: CurrentReader
    ) -> Response:
        return instances_of(Asked(study_instance_uid, series_instance_uid), request)

    @router.get(_SERIES + "/metadata")
    def series_metadata(
        study_instance_uid: str, series_instance_uid: str, request: Request, _reader: CurrentReader
    ) -> Response:
        return metadata_of(Asked(study_instance_uid, series_instance_uid), request)

    @router.get(_INSTANCE)
    def instance(
        study_instance_uid: str,
        series_instance_uid: str,
        sop_instance_uid: str,
        request: Request,
        _reader: CurrentReader,
    ) -> Response:
        asked = Asked(study_instance_uid, series_instance_uid, sop_instance_uid)
        return instances_of(asked, request)

    @router.get(_INSTANCE + "/metadata")
    def instance_metadata(
        study_instance_uid: str,
        series_instance_uid: str,
        sop_instance_uid: str,
        request: Request,
        _reader: CurrentReader,
    ) -> Response:
        asked = Asked(study_instance_uid, series_instance_uid, sop_instance_uid)
        return metadata_of(asked, request)

    return router


def _instance_routes(context: PageContext) -> APIRouter:
    """WADO-RS of what lies within one instance: frames, pictures, bulk data."""
    router = APIRouter(prefix=DICOMWEB)

    def one(study: str, series: str, instance: str) -> HeldFile:
        return find_files(context, Asked(study, series, instance)).files[0]

    @router.get(_INSTANCE + "/frames/{frames}")
    def frames(
        study_instance_uid: str,
        series_instance_uid: str,
        sop_instance_uid: str,
        frames: str,
        request: Request,
        _reader: CurrentReader,
    ) -> Response:
        numbers = frame_numbers(frames)
        file = one(study_instance_uid, series_instance_uid, sop_instance_uid)
        return frames_answer(PixelSource(file.path), numbers, accepted_types(request))

    @router.get(_INSTANCE + "/rendered")
    def rendered(
        study_instance_uid: str,
        series_instance_uid: str,
        sop_instance_uid: str,
        request: Request,
        _reader: CurrentReader,
    ) -> Response:
        accepted, asked = accepted_types(request), rendered_asked(request)
        file = one(study_instance_uid, series_instance_uid, sop_instance_uid)
        source = PixelSource(file.path)
        if source.frames > 1:
            raise not_acceptable(
                f"The instance has {source.frames} frames: ask for one, as frames/1/rendered."
            )
        return rendered_answer(source, 1, accepted, asked)

    @router.get(_INSTANCE + "/frames/{frames}/rendered")
    def rendered_frame(
        study_instance_uid: str,
        series_instance_uid: str,
        sop_instance_uid: str,
        frames: str,
        request: Request,
        _reader: CurrentReader,
    ) -> Response:
        numbers = frame_numbers(frames)
        if len(numbers) > 1:
            raise wrong("Pictures are rendered one frame at a time.")
        accepted, asked = accepted_types(request), rendered_asked(request)
        file = one(study_instance_uid, series_instance_uid, sop_instance_uid)
        return rendered_answer(PixelSource(file.path), numbers[0], accepted, asked)

    @router.get(_INSTANCE + "/bulkdata/{place:path}")
    def bulk_data(
        study_instance_uid: str,
        series_instance_uid: str,
        sop_instance_uid: str,
        place: str,
        request: Request,
        _reader: CurrentReader,
    ) -> Response:
        file = one(study_instance_uid, series_instance_uid, sop_instance_uid)
        return bulk_data_answer(file, place, accepted_types(request))

    return router


def _store_routes(context: PageContext, store: Store) -> APIRouter:
    """STOW-RS (PS3.18 Section 10.5)."""
    router = APIRouter(prefix=DICOMWEB)

    @router.post("/studies")
    async def store_any(request: Request, _sender: CurrentSender) -> Response:
        check_json(accepted_types(request))
        return await store.take(request, None, _root(context, request))

    @router.post(_STUDY)
    async def store_study(
        study_instance_uid: str, request: Request, _sender: CurrentSender
    ) -> Response:
        check_json(accepted_types(request))
        uid = uid_of(study_instance_uid, "StudyInstanceUID")
        return await store.take(request, uid, _root(context, request))

    return router


def _root(context: PageContext, request: Request) -> str:
    """The address of the services as the client knows it, without a closing slash.

    Some clients name the host without the port that they have asked at; nobody but a proxy, which
    has another one, could have led them here.
    """
    url, server = request.base_url, request.scope.get("server")
    if url.port is None and server and not context.settings.worklist_network.behind_proxy:
        port = server[1]
        if port not in (None, {"http": 80, "https": 443}.get(url.scheme)):
            url = url.replace(port=port)
    return f"{str(url).rstrip('/')}{DICOMWEB}"
