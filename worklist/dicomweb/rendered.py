"""WADO-RS, rendered: one frame as a picture that any program can show.

PS3.18 Section 10.4.1.1.3 (rendered resources), 8.3.5 (window, viewport, quality), 8.7.4 (media
types). PS3.3 Section C.11.1 (modality LUT), C.11.2 (VOI LUT), C.7.6.3.1.2 (photometric
interpretation).
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from fastapi import Request
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_color_lut
from starlette.responses import Response

from worklist.dicomweb.accepted import ANY, Accepted
from worklist.dicomweb.data_sets import FAULTS
from worklist.dicomweb.pixels import PixelSource
from worklist.dicomweb.refusal import RequestRefused, not_acceptable, wrong

_FORMATS: Final = {"image/jpeg": "JPEG", "image/png": "PNG"}
_ANY_PICTURE: Final = ("image/*", ANY)
_FUNCTIONS: Final = ("linear", "linear-exact", "sigmoid")
_MOST_PIXELS: Final = 4096  # of a side of a viewport
_QUALITY: Final = 90
_MOST_CHARACTERS: Final = 200


@dataclass(frozen=True, slots=True)
class Window:
    """Which values are shown between black and white (PS3.18 Section 8.3.5.1.4)."""

    centre: float
    width: float
    function: str = "linear"


@dataclass(frozen=True, slots=True)
class Viewport:
    """How large, and which part (PS3.18 Section 8.3.5.1.3).

    Attributes
    ----------
    width, height : the picture fits into them, in pixels
    left, top, part_width, part_height : of the frame; None for all of it; a negative size mirrors
    """

    width: int
    height: int
    left: float = 0.0
    top: float = 0.0
    part_width: float | None = None
    part_height: float | None = None


@dataclass(frozen=True, slots=True)
class RenderedAsked:
    """What a request says of the picture."""

    window: Window | None = None
    viewport: Viewport | None = None
    quality: int = _QUALITY


def rendered_asked(request: Request) -> RenderedAsked:
    """What a request says of the picture.

    Raises
    ------
    RequestRefused
        400: a parameter is none.
    """
    given = request.query_params
    return RenderedAsked(
        _window(given["window"]) if "window" in given else None,
        _viewport(given["viewport"]) if "viewport" in given else None,
        _quality(given["quality"]) if "quality" in given else _QUALITY,
    )


def rendered_answer(
    source: PixelSource, number: int, accepted: list[Accepted], asked: RenderedAsked
) -> Response:
    """A frame as a picture.

    Raises
    ------
    RequestRefused
        404: there is no such frame. 406: it cannot be had as what is asked for.
    """
    source.check([number])
    kind = _kind(accepted)
    shown = _shown(source, number, asked.window)
    picture = Image.fromarray(shown)
    if asked.viewport is not None:
        picture = _fitted(picture, asked.viewport)
    written = io.BytesIO()
    options: dict[str, Any] = {"quality": asked.quality} if kind == "image/jpeg" else {}
    picture.save(written, _FORMATS[kind], **options)
    return Response(written.getvalue(), media_type=kind)


def _kind(accepted: list[Accepted]) -> str:
    for wanted in accepted:
        if wanted.multipart:
            continue
        if wanted.kind in _FORMATS:
            return wanted.kind
        if wanted.kind in _ANY_PICTURE:
            return "image/jpeg"  # PS3.18 Table 8.7.4-1, the default
    raise not_acceptable("Pictures can be had as image/jpeg and image/png.")


def _shown(source: PixelSource, number: int, window: Window | None) -> NDArray[np.uint8]:
    """What is shown, uint8: shape (rows, columns) or (rows, columns, 3)."""
    array = source.array(number, raw=False)
    header = source.header
    try:
        interpretation = str(header.get("PhotometricInterpretation", "MONOCHROME2"))
        if interpretation == "PALETTE COLOR":
            array = apply_color_lut(array, header)
        if array.ndim == 3:
            return _eight_bits(array)
        values = _modality_values(array, header, number)
        shown = _windowed(values, window or _stored_window(header, number) or _whole(values))
    except FAULTS as error:
        raise RequestRefused(500, "The frame cannot be shown: its attributes are wrong.") from error
    return 255 - shown if interpretation == "MONOCHROME1" else shown


def _eight_bits(array: NDArray[Any]) -> NDArray[np.uint8]:
    if array.dtype == np.uint8:
        return array
    return (array >> (8 * array.dtype.itemsize - 8)).astype(np.uint8)


def _modality_values(array: NDArray[Any], header: Dataset, number: int) -> NDArray[np.float32]:
    macro = _macro(header, number, "PixelValueTransformationSequence")
    slope, intercept = macro.get("RescaleSlope"), macro.get("RescaleIntercept")
    values = array.astype(np.float32)
    if slope is None or intercept is None:
        return values
    return values * np.float32(slope) + np.float32(intercept)


def _stored_window(header: Dataset, number: int) -> Window | None:
    macro = _macro(header, number, "FrameVOILUTSequence")
    centre, width = _first(macro.get("WindowCenter")), _first(macro.get("WindowWidth"))
    if centre is None or width is None or width < 1:
        return None
    function = str(macro.get("VOILUTFunction") or "LINEAR").lower().replace("_", "-")
    return Window(centre, width, function if function in _FUNCTIONS else "linear")


def _macro(header: Dataset, number: int, keyword: str) -> Dataset:
    """The item of a functional group of a frame (PS3.3 C.7.6.16); otherwise the data set."""
    per_frame = header.get("PerFrameFunctionalGroupsSequence") or []
    shared = header.get("SharedFunctionalGroupsSequence") or []
    for group in (*per_frame[number - 1 : number], *shared):
        if found := group.get(keyword):
            item: Dataset = found[0]
            return item
    return header


def _first(value: Any) -> float | None:
    if value is None or value == "":
        return None
    return float(value if isinstance(value, int | float | str) else value[0])


def _whole(values: NDArray[np.float32]) -> Window:
    low, high = float(values.min()), float(values.max())
    return Window((low + high) / 2.0, max(high - low, 1.0), "linear-exact")


def _windowed(values: NDArray[np.float32], window: Window) -> NDArray[np.uint8]:
    """PS3.3 Section C.11.2.1.2 (linear), C.11.2.1.3.1 (sigmoid), C.11.2.1.3.2 (linear exact)."""
    centre, width = window.centre, window.width
    if window.function == "sigmoid":
        with np.errstate(over="ignore"):
            share = 1.0 / (1.0 + np.exp(-4.0 * (values - centre) / width))
    elif window.function == "linear-exact":
        share = (values - centre) / width + 0.5
    else:
        share = (values - (centre - 0.5)) / max(width - 1.0, 1e-6) + 0.5
    shown: NDArray[np.uint8] = np.rint(np.clip(share, 0.0, 1.0) * 255.0).astype(np.uint8)
    return shown


def _fitted(picture: Image.Image, viewport: Viewport) -> Image.Image:
    width, height = picture.size
    part_width = width if viewport.part_width is None else viewport.part_width
    part_height = height if viewport.part_height is None else viewport.part_height
    box = (
        max(0, round(viewport.left)),
        max(0, round(viewport.top)),
        min(width, round(viewport.left + abs(part_width))),
        min(height, round(viewport.top + abs(part_height))),
    )
    if box[0] >= box[2] or box[1] >= box[3]:
        raise wrong("The viewport names a part that lies outside the picture.")
    part = picture.crop(box)
    if part_width < 0:
        part = part.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if part_height < 0:
        part = part.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    scale = min(viewport.width / part.width, viewport.height / part.height)
    size = (max(1, round(part.width * scale)), max(1, round(part.height * scale)))
    return part.resize(size, Image.Resampling.LANCZOS)


def _window(text: str) -> Window:
    pieces = text.split(",")
    if len(pieces) not in (2, 3) or (pieces[2:] and pieces[2] not in _FUNCTIONS):
        raise wrong("window is centre, width and one of linear, linear-exact and sigmoid.")
    centre, width = _numbers(pieces[:2], "window")
    if width < 1:
        raise wrong("The width of a window is at least 1.")
    return Window(centre, width, pieces[2] if pieces[2:] else "linear")


def _viewport(text: str) -> Viewport:
    pieces = text.split(",")
    if len(pieces) not in (2, 6) or len(text) > _MOST_CHARACTERS:
        raise wrong("viewport is a width and a height, or those and left, top, width, height.")
    width, height = _numbers(pieces[:2], "viewport")
    if not (1 <= width <= _MOST_PIXELS and 1 <= height <= _MOST_PIXELS):
        raise wrong(f"A viewport has 1 to {_MOST_PIXELS} pixels a side.")
    given = [None if not one.strip() else _numbers([one], "viewport")[0] for one in pieces[2:]]
    left, top, part_width, part_height = given or [None] * 4
    if part_width == 0 or part_height == 0:
        raise wrong("A part of a picture is not empty.")
    return Viewport(int(width), int(height), left or 0.0, top or 0.0, part_width, part_height)


def _quality(text: str) -> int:
    (quality,) = _numbers([text], "quality")
    if not 1 <= quality <= 100:
        raise wrong("quality is a number from 1 to 100.")
    return int(quality)


def _numbers(texts: list[str], name: str) -> list[float]:
    try:
        numbers = [float(one) for one in texts]
    except ValueError as error:
        raise wrong(f"{name} has something that is no number.") from error
    if not all(math.isfinite(one) and abs(one) < 1e9 for one in numbers):
        raise wrong(f"{name} has a number that is too large.")
    return numbers
