"""An output of an ONNX file, and what it seems to be: a mask, a score or a map."""

from __future__ import annotations

import re

from models.onnx_session import Tensor

_COLOURS = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7")


class GuessedOutput:
    """One output of the graph, and what it seems to be."""

    def __init__(self, tensor: Tensor, fed: Tensor) -> None:
        self.tensor = tensor
        self.name = re.sub(r"[^a-z0-9_]+", "_", tensor.name.lower()).strip("_")[:30] or "output"
        if not self.name[0].isalpha():
            self.name = f"output_{self.name}"
        self.kind = _kind_of(tensor, fed)
        self.classes = (tensor.shape[1] or 2) if self.kind == "mask" else 0

    @property
    def class_names(self) -> list[str]:
        """Of what is not background."""
        return [f"class_{number}" for number in range(1, max(2, self.classes))]

    def text(self) -> str:
        """The lines of the output in the declaration."""
        if not self.kind:
            shape = ", ".join("n" if one is None else str(one) for one in self.tensor.shape)
            return f'# The output "{self.tensor.name}" ({shape}) is none that is known here.\n'
        lines = ["[[outputs]]", f'name = "{self.name}"', f'kind = "{self.kind}"',
                 f'tensor = "{self.tensor.name}"']  # fmt: skip
        if self.kind == "mask":
            lines += self._mask_lines()
        elif self.kind == "study-score":
            lines += [
                'activation = "sigmoid" # CHECK: none where they are probabilities already',
                "column = 0 # CHECK: which one, counted from 0",
                'combine = "maximum" # of slices or patches; mean, mean-of-highest (highest = 3)',
                '# calibration = { kind = "temperature", temperature = 1.5 }',
            ]
        else:
            lines.append('activation = "none" # CHECK: sigmoid where they are logits')
        return "\n".join([*lines, ""])

    def _mask_lines(self) -> list[str]:
        alone = self.classes == 1
        activation = "sigmoid" if alone else "softmax"
        lines = [f'activation = "{activation}" # CHECK: none where they are probabilities already']
        if not alone:
            lines += ["[[outputs.classes]]", 'name = "background"', "background = true"]
        for number, name in enumerate(self.class_names):
            lines += [
                "[[outputs.classes]]",
                f'name = "{name}" # CHECK',
                'is = "finding" # or anatomy',
                f'code = {{ value = "{name.upper()}", scheme = "99LOCAL", '
                f'meaning = "{name.replace("_", " ").capitalize()}" }} # CHECK',
                f'colour = "{_COLOURS[number % len(_COLOURS)]}"',
                "threshold = 0.5" if alone else "# threshold = 0.5 # else the most probable wins",
            ]
        return lines


def _kind_of(tensor: Tensor, fed: Tensor) -> str:
    """What a shape suggests; "" for none."""
    shape, size = tensor.shape, fed.shape[2:]
    if len(shape) == len(fed.shape):
        same = all(None in pair or pair[0] == pair[1] for pair in zip(shape[2:], size, strict=True))
        if same:
            return "mask"
        return "heat-map" if len(shape) == 4 else ""
    if len(shape) == 2:
        return "study-score"
    return "heat-map" if len(shape) == 3 and len(fed.shape) == 4 else ""
