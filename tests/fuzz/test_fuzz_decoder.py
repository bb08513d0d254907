"""The fuzz target of the decoder: its law over the corpus, and a brief coverage-guided run."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.protocol.codecs import encodings, load

from .decoder_law import check

ROOT = Path(__file__).parent.parent.parent
RUNS = (8000, pytest.param(20_000, marks=pytest.mark.thorough))
TIMEOUT = 300


def corpus() -> list[bytes]:
    """Datagrams of the reference behind the two bytes that choose how they are read."""
    payloads = [bytes.fromhex(datagram["hex"]) for datagram in load("conversation")["datagrams"]]
    payloads += [bytes.fromhex(packet["hex"]) for packet in load("udx")["packets"]]
    payloads += [data for codec, data, _ in encodings() if codec.endswith("_payload") or codec.startswith("re")]
    return [bytes((number % 32, number % 4)) + payload for number, payload in enumerate(payloads)]


def test_law_holds_for_the_corpus() -> None:
    for data in corpus():
        for choice in range(32):
            check(bytes((choice, data[1])) + data[2:])


@pytest.mark.parametrize("runs", RUNS)
@pytest.mark.skipif(find_spec("atheris") is None, reason="atheris is not installed: pip install '.[fuzz]'")
def test_fuzzer_finds_nothing(runs: int, tmp_path: Path) -> None:
    seeds = tmp_path / "corpus"
    seeds.mkdir()
    for number, data in enumerate(corpus()):
        (seeds / str(number)).write_bytes(data)
    result = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.fuzz.fuzz_decoder",
            f"-runs={runs}",
            "-seed=1",
            "-max_len=1500",
            f"-artifact_prefix={tmp_path}/",
            str(seeds),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-4000:]
    assert f"Done {runs} runs" in result.stderr
