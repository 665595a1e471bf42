"""The arguments that the training of every bundle takes."""

from __future__ import annotations

import argparse
from pathlib import Path


def training_parser(
    prog: str, description: str, examples: str, *, build: str, threads: int
) -> argparse.ArgumentParser:
    """A parser with what all trainings share; each adds its own.

    Parameters
    ----------
    build : where checkpoints are kept, unless somebody says otherwise
    threads : of the CPU, unless somebody says otherwise
    """
    parser = argparse.ArgumentParser(
        prog=prog,
        description=description,
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--data", type=Path, default=Path("../shared/data"), help="folder with training/ in it")
    add("--build", type=Path, default=Path(build), help="where checkpoints are kept")
    add("--seed", type=int, default=1, help="of weights, batches and variations (default 1)")
    add("--threads", type=int, default=threads, help=f"CPU threads (default {threads})")
    add("--shorten", type=int, default=1, help="divide the steps of every stage by this")
    add("--remark", default="", help="what the model card should say about this very training")
    return parser
