"""The fuzz target of the decoder: its law over the corpus, and a brief coverage-guided run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.protocol.codecs import encodings, load

from .decoder_law import check
from .guided import finds_nothing, needs_atheris

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
@needs_atheris
def test_fuzzer_finds_nothing(runs: int, tmp_path: Path) -> None:
    finds_nothing("fuzz_decoder", corpus(), tmp_path, runs=runs, longest=1500, timeout=TIMEOUT)
