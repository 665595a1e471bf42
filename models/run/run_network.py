"""Runs a network of a schema 3 bundle over a volume, and collects its outputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.declared.inputs import InputKind, NetworkInput
from models.declared.outputs.kinds import BoxOutput, HeatMapOutput, MaskOutput, Outputs, ScoreOutput
from models.input.grid import Grid
from models.input.orient import Oriented
from models.input.planes import Planes, with_neighbours
from models.output.boxes import Box, best_boxes, fill_boxes, read_boxes
from models.output.heat_maps import by_slice, heat_map, nearest_plane
from models.output.masks import LabelMaps
from models.output.scores import column_of, slice_scores, study_score
from models.window.slide import Layout, slide
from radiology.errors import BundleRejected
from radiology.image.heat_map import HeatMap
from radiology.image.volume import Volume

Floats = NDArray[np.float32]
Labels = NDArray[np.uint8]
OnProgress = Callable[[int, int], None]


class RunnableNetwork(Protocol):
    """What running needs of a network; `models.run.declared_network.DeclaredNetwork` is one."""

    @property
    def at_once(self) -> int:
        """How many inputs it takes at once."""
        ...

    def run(self, inputs: Floats) -> Mapping[str, Floats]:
        """Answer inputs (n, channels, …); tensors by name, n first."""
        ...


@dataclass(frozen=True)
class Found:
    """What the networks of a bundle say of a volume; voxels on the grid of the volume as given.

    Attributes
    ----------
    labels : by region, "output.class" of masks and "output" of boxes: a label map, and the value
        that is the region
    study_scores : by output, 0 to 1
    slice_scores : by output, one for each plane of the network's orientation
    planes : by slice score: for each plane the slice of the volume, where it is one
    heat_maps : by slice of the volume
    finite : whether every answer was a number
    """

    labels: dict[str, tuple[Labels, int]] = field(default_factory=dict)
    study_scores: dict[str, float] = field(default_factory=dict)
    slice_scores: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    planes: dict[str, tuple[int | None, ...]] = field(default_factory=dict)
    heat_maps: dict[int, HeatMap] = field(default_factory=dict)
    finite: bool = True

    def merged(self, other: Found) -> Found:
        """What two networks say together."""
        return Found(
            labels=self.labels | other.labels,
            study_scores=self.study_scores | other.study_scores,
            slice_scores=self.slice_scores | other.slice_scores,
            planes=self.planes | other.planes,
            heat_maps=self.heat_maps | other.heat_maps,
            finite=self.finite and other.finite,
        )


def run_network(
    volume: Volume,
    fed: NetworkInput,
    outputs: Outputs,
    network: RunnableNetwork,
    on_progress: OnProgress | None = None,
) -> Found:
    """Run one network of a bundle over a volume.

    Parameters
    ----------
    on_progress : called with slices or patches done, and in all

    Raises
    ------
    BundleRejected
        An answer has another shape than the declaration says.
    VolumeRefused
        The volume is too large at the network's spacing.
    """
    oriented = Oriented.of(volume, fed.orientation)
    grid = Grid.of(oriented.shape, oriented.spacing_mm, fed)
    collected = _Collected(fed, outputs, grid, oriented)
    planes = Planes(oriented, grid, fed)
    if fed.kind is InputKind.PATCHES_3D:
        _run_patches(planes, fed, collected, network, on_progress)
    else:
        _run_slices(planes, fed, collected, network, on_progress)
    return collected.finish()


def _run_slices(
    planes: Planes,
    fed: NetworkInput,
    collected: _Collected,
    network: RunnableNetwork,
    on_progress: OnProgress | None,
) -> None:
    for first in range(0, planes.count, network.at_once):
        last = min(first + network.at_once, planes.count)
        stack = [with_neighbours(planes, place, fed.neighbours) for place in range(first, last)]
        answers = collected.checked(network.run(np.stack(stack)), last - first)
        for at in range(last - first):
            of_input = {name: answer[at] for name, answer in answers.items()}
            collected.take(of_input, (first + at, 0, 0))
            collected.take_planes(
                first + at, {name: of_input[name][:, None] for name in collected.averaged}
            )
        if on_progress is not None:
            on_progress(last, planes.count)


def _run_patches(
    planes: Planes,
    fed: NetworkInput,
    collected: _Collected,
    network: RunnableNetwork,
    on_progress: OnProgress | None,
) -> None:
    layout = Layout.of(collected.grid.shape, fed)
    done = 0

    def on_patch(answer: Mapping[str, Floats], begin: tuple[int, int, int]) -> None:
        nonlocal done
        done += 1
        collected.take(answer, begin)
        if on_progress is not None:
            on_progress(done, layout.count)

    def run(patches: Floats) -> Mapping[str, Floats]:
        return collected.checked(network.run(patches), len(patches))

    for finished in slide(
        planes,
        fed,
        layout,
        run,
        averaged=collected.averaged,
        at_once=network.at_once,
        on_patch=on_patch,
    ):
        collected.take_planes(finished.first, finished.averaged)


class _Collected:
    """The answers of one network, as they come."""

    def __init__(self, fed: NetworkInput, outputs: Outputs, grid: Grid, oriented: Oriented) -> None:
        mine = [one for one in outputs.all if one.answer.network == fed.network]
        self.grid, self._oriented, self._fed = grid, oriented, fed
        self._masks = [
            (output, LabelMaps(output, grid, oriented.shape))
            for output in mine
            if isinstance(output, MaskOutput)
        ]
        self._scores = [one for one in mine if isinstance(one, ScoreOutput)]
        self._heat = [one for one in mine if isinstance(one, HeatMapOutput)]
        self._boxes = [one for one in mine if isinstance(one, BoxOutput)]
        self.averaged = sorted({one.answer.tensor for one, _ in self._masks})
        self._parts: dict[str, list[float]] = {one.answer.name: [] for one in self._scores}
        self._found_boxes: dict[str, list[Box]] = {one.answer.name: [] for one in self._boxes}
        self._maps: dict[int, HeatMap] = {}
        self._finite = True

    def checked(self, answers: Mapping[str, Floats], count: int) -> dict[str, Floats]:
        """Answers without what is no number; refuses those that are not of `count` inputs."""
        found = {}
        for name, answer in answers.items():
            if answer.ndim == 0 or answer.shape[0] != count:
                raise BundleRejected("The network does not answer input by input", output=name)
            if not np.isfinite(answer).all():
                self._finite = False
                answer = np.nan_to_num(answer, nan=0.0, posinf=0.0, neginf=0.0)
            found[name] = answer
        self._check_masks(found)
        return found

    def _check_masks(self, answers: Mapping[str, Floats]) -> None:
        for mask, _ in self._masks:
            shape = (len(mask.classes), *self._fed.size)
            if answers[mask.answer.tensor].shape[1:] != shape:
                raise BundleRejected(
                    "The network's answer has another shape than declared",
                    output=mask.answer.tensor,
                )

    def take(self, answer: Mapping[str, Floats], begin: tuple[int, int, int]) -> None:
        """Take what one slice or patch answers."""
        for score in self._scores:
            raw = answer[score.answer.tensor][None]
            self._parts[score.answer.name].append(float(column_of(raw, score)[0]))
        for box in self._boxes:
            self._found_boxes[box.answer.name] += read_boxes(
                answer[box.answer.tensor], answer[box.scores], box, begin
            )
        for heat in self._heat:
            self._maps[begin[0]] = heat_map(
                answer[heat.answer.tensor], heat, self.grid, self._oriented
            )

    def take_planes(self, first: int, finished: Mapping[str, Floats]) -> None:
        """Take finished planes of the masks."""
        for output, maps in self._masks:
            maps.add(first, finished[output.answer.tensor])

    def finish(self) -> Found:
        """Everything on the grid of the volume as it was given."""
        oriented, grid = self._oriented, self.grid
        found = Found(heat_maps=by_slice(self._maps, grid, oriented), finite=self._finite)
        for output, maps in self._masks:
            found.labels.update(
                _regions(output, [_on_volume(oriented, one) for one in maps.finish()])
            )
        for box in self._boxes:
            name = box.answer.name
            kept = best_boxes(self._found_boxes[name], box.most_overlap)
            found.labels[name] = (_on_volume(oriented, fill_boxes(kept, grid, oriented.shape)), 1)
        for score in self._scores:
            self._finish_score(score, found)
        return found

    def _finish_score(self, score: ScoreOutput, found: Found) -> None:
        name, parts = score.answer.name, np.array(self._parts[score.answer.name])
        if score.combination is not None:
            found.study_scores[name] = study_score(parts, score)
            return
        planes = range(self._oriented.shape[0])
        nearest = [nearest_plane(plane, self.grid) for plane in planes]
        found.slice_scores[name] = slice_scores(parts, score)[nearest]
        found.planes[name] = tuple(self._oriented.source_slice(plane) for plane in planes)


def _on_volume(oriented: Oriented, labels: Labels) -> Labels:
    return np.ascontiguousarray(oriented.undo(labels))


def _regions(output: MaskOutput, maps: list[Labels]) -> dict[str, tuple[Labels, int]]:
    """Label map and value of each class that is something."""
    found = {}
    for place, declared in enumerate(output.classes):
        if declared.appearance is not None:
            labels = maps[0] if output.exclusive else maps[place]
            value = place + 1 if output.exclusive else 1
            found[f"{output.answer.name}.{declared.name}"] = (labels, value)
    return found
