"""A program that was killed is started again: what it brings then goes on behind what it brought."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from capture.errors import LiveError
from capture.growing.again import AgainBytes
from capture.growing.bytes import ByteSource
from capture.growing.capture import EndedError, GrowingCapture
from capture.growing.command_bytes import CommandBytes
from tests.capture.growing.test_growing_capture import PCAP

HALF = "import os,sys,signal; sys.stdout.buffer.write(open(sys.argv[1],'rb').read()[:int(sys.argv[2])]); "
DIES = HALF + "sys.stdout.flush(); os.kill(os.getpid(), signal.SIGKILL)"


def starts(*scripts: tuple[str, str, int]) -> Iterator[ByteSource]:
    for script, path, size in scripts:
        yield CommandBytes([sys.executable, "-c", script, path, str(size)], "there")


@pytest.fixture
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    found = tmp_path_factory.mktemp("again") / "capture"
    found.write_bytes(PCAP)
    return str(found)


def until(capture: GrowingCapture, source: AgainBytes, *, trouble: bool) -> None:
    while bool(source.trouble) is not trouble:
        capture.wait(0.01)
        capture.collect()
    capture.collect()


def test_it_goes_on_behind_what_came(path: str) -> None:
    following = starts((DIES, path, 5003), (DIES, path, 7001), (HALF, path, len(PCAP)))
    source = AgainBytes(lambda: next(following))
    with GrowingCapture(source) as capture:
        until(capture, source, trouble=True)
        first = len(capture.table)
        assert source.trouble == "there: was ended by signal 9"
        assert capture.error is None
        assert capture.file.truncated is not None
        assert capture.file.truncated.startswith("truncated at byte")
        source.start_again()
        until(capture, source, trouble=True)
        second = len(capture.table) - first
        source.start_again()
        while capture.error is None:
            assert capture.wait(30)
            capture.collect()
    assert 0 < first < second
    assert isinstance(capture.error, EndedError)
    numbers = capture.table.frame.tolist()
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) > 2 * second


def test_what_never_began_is_an_error(path: str) -> None:
    following = starts(("import sys; sys.exit('no such device')", path, 0))
    with GrowingCapture(AgainBytes(lambda: next(following))) as capture:
        capture.wait_for_first()
        capture.collect()
    assert str(capture.error) == "there: no such device"


def test_one_that_fails_again_says_why(path: str) -> None:
    following = starts((DIES, path, 5000), ("import sys; sys.exit('no such device')", path, 0))
    source = AgainBytes(lambda: next(following))
    with GrowingCapture(source) as capture:
        until(capture, source, trouble=True)
        came = len(capture.table)
        source.start_again()
        until(capture, source, trouble=True)
        assert source.trouble == "there: no such device"
    assert len(capture.table) == came
    assert capture.error is None


def test_one_that_can_not_be_started_leaves_all_as_it_is(path: str) -> None:
    following = starts((DIES, path, 5000))

    def start() -> ByteSource:
        try:
            return next(following)
        except StopIteration:
            raise LiveError("there", "ssh can't be run") from None

    source = AgainBytes(start)
    with GrowingCapture(source) as capture:
        until(capture, source, trouble=True)
        with pytest.raises(LiveError, match="can't be run"):
            source.start_again()
        assert source.trouble == "there: was ended by signal 9"
