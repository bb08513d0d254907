"""Runs a script file, and says how it went: what it expected and did not get, and where in the script."""

from __future__ import annotations

import asyncio
import inspect
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import CodeType, TracebackType
from typing import Any, Final

from app.exit_status import CommandError, ExitStatus
from app.script.expectations import ExpectationFailed
from app.script.hand import Hand

MODULE: Final = "peephole_script"
"""What a script is called inside Python."""


class Result(StrEnum):
    """How a script ended."""

    PASSED = "passed"
    FAILED = "failed"
    """Something was not as it expects."""
    BROKEN = "broken"
    """The script itself raised something else."""
    LATE = "late"
    """It was not done in time."""


@dataclass(frozen=True, slots=True)
class Place:
    """A line of the script."""

    file: str
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Ran:
    """One run."""

    result: Result
    seconds: float
    failure: str = ""
    """Why it did not pass, one sentence; of a broken script the exception."""
    places: tuple[Place, ...] = ()
    """Where in the script, outermost call first."""

    @property
    def status(self) -> ExitStatus:
        """What the command ends with."""
        return {
            Result.PASSED: ExitStatus.OK,
            Result.FAILED: ExitStatus.EXPECTATION_FAILED,
            Result.BROKEN: ExitStatus.SCRIPT_BROKEN,
            Result.LATE: ExitStatus.EXPECTATION_FAILED,
        }[self.result]


def load(path: str) -> Callable[[Hand], Any]:
    """The `main` of a script.

    Raises:
        CommandError: the file can't be read, is no Python, or has no `async def main(hand)`.
        BaseException: whatever the script raises while it is loaded.
    """
    try:
        source = Path(path).read_bytes()
    except OSError as error:
        raise CommandError(ExitStatus.USAGE, f"{path} can't be read: {error.strerror or error}") from None
    code = _compiled(source, path)
    names: dict[str, Any] = {"__name__": MODULE, "__file__": path}
    folder = str(Path(path).resolve().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    exec(code, names)
    main = names.get("main")
    if not inspect.iscoroutinefunction(main):
        raise CommandError(ExitStatus.USAGE, f"{path} has no `async def main(hand)`")
    return main


def run_script(path: str, hand: Hand, limit: float) -> Ran:
    """Run a script until it ends, or for `limit` seconds.

    Raises:
        CommandError: it can't be loaded.
        KeyboardInterrupt: the user does not want to wait.
    """
    began = time.monotonic()

    def ran(result: Result, failure: str = "", error: BaseException | None = None) -> Ran:
        places = () if error is None else tuple(_places(error.__traceback__, path))
        return Ran(result, time.monotonic() - began, failure, places)

    try:
        main = load(path)
        asyncio.run(_run(main, hand, limit))
    except (KeyboardInterrupt, CommandError):
        raise
    except _LateError as error:
        return ran(Result.LATE, f"the script was not done after {limit:g} s", error.where)
    except Exception as error:  # noqa: BLE001  whatever a script raises is told
        cause = _first(error)
        if isinstance(cause, ExpectationFailed):
            return ran(Result.FAILED, str(cause), cause)
        return ran(Result.BROKEN, "".join(traceback.format_exception_only(cause)).strip(), cause)
    return ran(Result.PASSED)


class _LateError(Exception):
    def __init__(self, where: BaseException) -> None:
        super().__init__()
        self.where = where


async def _run(main: Callable[[Hand], Any], hand: Hand, limit: float) -> None:
    async with hand:
        bound = asyncio.timeout(limit)
        try:
            async with bound:
                await main(hand)
        except TimeoutError as error:
            if bound.expired():
                raise _LateError(error.__cause__ or error) from None
            raise


def _compiled(source: bytes, path: str) -> CodeType:
    try:
        return compile(source, path, "exec")
    except SyntaxError as error:
        raise CommandError(ExitStatus.USAGE, f"{path}, line {error.lineno}: {error.msg}") from None
    except ValueError as error:  # null bytes
        raise CommandError(ExitStatus.USAGE, f"{path} is no Python: {error}") from None


def _first(error: BaseException) -> BaseException:
    """Of a group the first that is no group; an expectation before anything else."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    single = [_first(one) for one in error.exceptions]
    return next((one for one in single if isinstance(one, ExpectationFailed)), single[0])


def _places(trace: TracebackType | None, path: str) -> Iterator[Place]:
    """The lines of the script, and of modules beside it, that an exception passed; none of ours."""
    folder = Path(path).resolve().parent
    own = Path(__file__).resolve().parents[2]
    for frame in traceback.extract_tb(trace):
        file = Path(frame.filename).resolve()
        ours = any(file.is_relative_to(own / name) for name in ("app", "capture", "protocol"))
        if frame.filename == path or (file.is_relative_to(folder) and not ours and "site-packages" not in file.parts):
            yield Place(frame.filename, frame.lineno or 0, (frame.line or "").strip())


def told(path: str, ran: Ran) -> Sequence[str]:
    """What a person is told, in lines."""
    if ran.result is Result.PASSED:
        return (f"{path}: passed in {ran.seconds:.1f} s",)
    lines = [f"{path}: {ran.result} after {ran.seconds:.1f} s: {ran.failure}"]
    lines += [f"  {place.file}:{place.line}: {place.text}" for place in ran.places]
    return lines
