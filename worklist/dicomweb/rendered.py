"""WADO-RS, rendered: one frame as a picture that any program can show.

PS3.18 Section 10.4.1.1.3 (rendered resources), 8.3.5 (window, viewport, quality), 8.7.4 (media
types). PS3.3 Section C.11.1 (modality LUT), C.11.2 (VOI LUT), C.7.6.3.1.2 (photometric
interpretation). What is not shown is cut off, and a large frame is made small, before its values
become floating point numbers and grey levels.
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
_STRIP_ROWS: Final = 256  # so many are floating point numbers at a time


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
    picture = _picture(source, number, asked)
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


def _picture(source: PixelSource, number: int, asked: RenderedAsked) -> Image.Image:
    """What is shown, in the size that is asked for."""
    array, viewport = source.array(number, raw=False), asked.viewport
    part = array if viewport is None else _part(array, viewport)
    size = (part.shape[1], part.shape[0]) if viewport is None else _size(part, viewport)
    try:
        shown = _shown(_smaller(part, size, source.header), array, source.header, number, asked)
    except FAULTS as error:
        raise RequestRefused(500, "The frame cannot be shown: its attributes are wrong.") from error
    picture = Image.fromarray(shown)
    if viewport is not None and (viewport.part_width or 1) < 0:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if viewport is not None and (viewport.part_height or 1) < 0:
        picture = picture.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    return picture if picture.size == size else picture.resize(size, Image.Resampling.LANCZOS)


def _shown(
    part: NDArray[Any], whole: NDArray[Any], header: Dataset, number: int, asked: RenderedAsked
) -> NDArray[np.uint8]:
    """What is shown of a part, uint8: shape (rows, columns) or (rows, columns, 3)."""
    interpretation = _interpretation(header)
    if interpretation == "PALETTE COLOR":
        part = apply_color_lut(part, header)
    if part.ndim == 3:
        return _eight_bits(part)
    slope, intercept = _rescale(header, number)
    window = asked.window or _stored_window(header, number)
    if window is None:
        ends = np.array([whole.min(), whole.max()], np.float32) * slope + intercept
        window = _whole(ends)
    shown = np.empty(part.shape, np.uint8)
    for row in range(0, len(part), _STRIP_ROWS):
        strip = part[row : row + _STRIP_ROWS].astype(np.float32) * slope + intercept
        shown[row : row + _STRIP_ROWS] = _windowed(strip, window)
    return 255 - shown if interpretation == "MONOCHROME1" else shown


def _smaller(part: NDArray[Any], size: tuple[int, int], header: Dataset) -> NDArray[Any]:
    """The part with whole blocks of it made one pixel, still twice as large as it will be shown."""
    block = min(part.shape[0] // (2 * size[1]), part.shape[1] // (2 * size[0]))
    if block < 2:
        return part
    rows, columns = part.shape[0] // block, part.shape[1] // block
    part = part[: rows * block, : columns * block]
    if _interpretation(header) == "PALETTE COLOR":
        return part[::block, ::block]  # numbers of colours have no mean
    means = np.empty((rows, columns, *part.shape[2:]), np.float32)
    for row in range(rows):
        strip = part[row * block : (row + 1) * block]
        blocks = strip.reshape(block, columns, block, *part.shape[2:])
        means[row] = blocks.mean(axis=(0, 2), dtype=np.float32)
    return means if part.ndim == 2 else np.rint(means).astype(part.dtype)


def _interpretation(header: Dataset) -> str:
    return str(header.get("PhotometricInterpretation", "MONOCHROME2"))


def _eight_bits(array: NDArray[Any]) -> NDArray[np.uint8]:
    if array.dtype == np.uint8:
        return array
    return (array >> (8 * array.dtype.itemsize - 8)).astype(np.uint8)


def _rescale(header: Dataset, number: int) -> tuple[np.float32, np.float32]:
    """Slope and intercept of the modality LUT; 1 and 0 where there is none."""
    macro = _macro(header, number, "PixelValueTransformationSequence")
    slope, intercept = macro.get("RescaleSlope"), macro.get("RescaleIntercept")
    if slope is None or intercept is None:
        return np.float32(1), np.float32(0)
    return np.float32(slope), np.float32(intercept)


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


def _part(array: NDArray[Any], viewport: Viewport) -> NDArray[Any]:
    """The part of a frame that is asked for, not mirrored."""
    height, width = array.shape[:2]
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
    return array[box[1] : box[3], box[0] : box[2]]


def _size(part: NDArray[Any], viewport: Viewport) -> tuple[int, int]:
    """Width and height in which a part fits into a viewport."""
    height, width = part.shape[:2]
    scale = min(viewport.width / width, viewport.height / height)
    return max(1, round(width * scale)), max(1, round(height * scale))


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
