"""A brief coverage-guided run of a fuzz target, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent

needs_atheris = pytest.mark.skipif(
    find_spec("atheris") is None, reason="atheris is not installed: pip install '.[fuzz]'"
)
"""It has no wheel for every Python; the laws are tested without it too."""


def finds_nothing(target: str, corpus: Iterable[bytes], folder: Path, *, runs: int, longest: int, timeout: int) -> None:
    """Fail if a target finds something, or does not come to its end.

    Args:
        target: its module in this package.
        corpus: what it starts from.
        folder: where that is put, and what it finds.
        runs: how many inputs it tries.
        longest: bytes of one.
        timeout: seconds.
    """
    seeds = folder / "corpus"
    seeds.mkdir()
    for number, seed in enumerate(corpus):
        (seeds / str(number)).write_bytes(seed)
    arguments = [f"-runs={runs}", "-seed=1", f"-max_len={longest}", f"-artifact_prefix={folder}/", str(seeds)]
    result = subprocess.run(
        [sys.executable, "-m", f"tests.fuzz.{target}", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-4000:]
    assert f"Done {runs} runs" in result.stderr
