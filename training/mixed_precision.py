"""Half the width of numbers in training, where the processor computes in it."""

from __future__ import annotations

import torch


def mixed_precision() -> torch.autocast:
    """Give the context in which a network is run: bfloat16 with AVX-512, float32 without.

    Other processors have bfloat16 by emulation: a step of the lobe network took 50 s on such a
    one, and 5 s in float32.
    """
    wide = torch.backends.cpu.get_cpu_capability() == "AVX512"
    return torch.autocast("cpu", torch.bfloat16, enabled=wide)
