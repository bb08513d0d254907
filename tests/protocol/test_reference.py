"""The reference decodes what we encode, and takes and refuses the same bytes as we do."""

from __future__ import annotations

import json
import random
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from protocol.constants import UdxFlag
from protocol.errors import DecodeError
from protocol.messages import UdxHeader
from protocol.udx import encode_udx

from .codecs import CODECS, OWN_ADDRESS, encodings, outcome, to_json
from .strategies import VALUES

pytestmark = pytest.mark.node

NODE_SCRIPTS = Path(__file__).parent.parent / "node"
TIMEOUT = 120


def run_node(script: str, lines: Iterable[str]) -> list[Any]:
    """One JSON answer for each line that the script prints."""
    if not (NODE_SCRIPTS / "node_modules" / "hyperdht").is_dir():
        pytest.fail("the npm packages are missing: run `make node-packages`, or deselect with -m 'not node'")
    result = subprocess.run(
        ["node", script],
        cwd=NODE_SCRIPTS,
        input="\n".join(lines) + "\n",
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def decoded_by_reference(encoded: list[tuple[str, bytes]]) -> list[Any]:
    sender = {"host": OWN_ADDRESS.host, "port": OWN_ADDRESS.port}
    lines = [json.dumps({"codec": codec, "hex": data.hex(), "from": sender}) for codec, data in encoded]
    answers = run_node("decode-ours.cjs", lines)
    assert len(answers) == len(encoded)
    return answers


def test_reference_decodes_what_we_encode() -> None:
    cases: list[tuple[str, Any]] = []

    def collect(codec: str) -> None:
        @settings(max_examples=60, phases=[Phase.generate], derandomize=True, suppress_health_check=list(HealthCheck))
        @given(value=VALUES[codec])
        def draw(value: Any) -> None:
            cases.append((codec, value))

        draw()

    for codec in CODECS:
        collect(codec)
    answers = decoded_by_reference([(codec, CODECS[codec].encode(value)) for codec, value in cases])
    for (codec, value), answer in zip(cases, answers, strict=True):
        assert answer == to_json(value), codec
    assert len(cases) > 20 * len(CODECS)


def test_reference_takes_and_refuses_the_same_bytes() -> None:
    rng = random.Random(1)
    cases: list[tuple[str, bytes]] = []
    vectors = encodings()
    for _ in range(4000):
        codec, data, _value = rng.choice(vectors)
        cases.append((codec, damaged(rng, data)))
    refused = 0
    for (codec, data), answer in zip(cases, decoded_by_reference(cases), strict=True):
        found = outcome(lambda codec=codec, data=data: CODECS[codec].decode(data))
        if isinstance(found, DecodeError):
            refused += 1
            assert answer is None, (codec, data.hex(), str(found))
        else:
            assert to_json(found) == answer, (codec, data.hex())
    assert 500 < refused < 3500


def damaged(rng: random.Random, data: bytes) -> bytes:
    out = bytearray(data)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(out) + 1)
        match rng.randrange(5):
            case 0:
                del out[at:]
            case 1:
                out[at:at] = rng.randbytes(rng.randint(1, 9))
            case 2:
                out[at : at + 1] = bytes([rng.choice((0, 1, 0xFC, 0xFD, 0xFE, 0xFF))])
            case 3:
                out[at : at + 1] = rng.randbytes(1)
            case 4:
                del out[at : at + rng.randint(1, 4)]
    return bytes(out)


@pytest.mark.parametrize("data_offset", [0, 8])
def test_real_stream_reads_our_udx_packets(data_offset: int) -> None:
    sacks = ((5, 6),) if data_offset else ()
    sack = UdxFlag.SACK if data_offset else UdxFlag(0)

    def packet(flags: UdxFlag, seq: int, data: bytes) -> str:
        return encode_udx(UdxHeader(flags | sack, data_offset, 1, 1 << 20, seq, 0, sacks=sacks), data).hex()

    lines = [
        packet(UdxFlag.DATA, 0, b"first"),
        packet(UdxFlag.DATA, 2, b"third"),
        packet(UdxFlag.MESSAGE, 0, b"a message"),
        packet(UdxFlag.DATA, 1, b"second"),
        packet(UdxFlag.END, 3, b""),
    ]
    (events,) = run_node("udx-packets.cjs", lines)
    received = b"".join(bytes.fromhex(event[1]) for event in events if event[0] == "data")
    assert received == b"firstsecondthird"
    assert ["message", b"a message".hex()] in events
    assert events[-1] == ["end"]
