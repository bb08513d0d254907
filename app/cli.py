"""The command `peephole`: finds the command, runs it, and turns every error into a sentence and an exit status.

Nothing heavy is imported here: each command imports what it needs when it runs.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import IO, Final, NoReturn

from app.exit_status import CommandError, ExitStatus
from app.options import COMMANDS, OVERVIEW, parser_of
from app.terminal_text import safe_text
from capture.collector import call_old, collector_paused

_MODULES: Final = {
    "open": "app.commands.open",
    "report": "app.commands.report",
    "export": "app.commands.export",
    "record": "app.commands.record",
    "watch": "app.commands.watch",
    "sensor": "app.commands.sensor",
    "node": "app.commands.node",
    "connect": "app.commands.connect",
    "listen": "app.commands.listen",
    "proxy": "app.commands.proxy",
    "script": "app.commands.script",
    "demo": "app.commands.demo",
    "interfaces": "app.commands.interfaces",
    "keylog-hook": "app.commands.keylog_hook",
    "config": "app.commands.config",
    "completion": "app.commands.completion",
    "man": "app.commands.man",
}


_ONE_PASS: Final = ("report", "export", "record")
"""Commands that read files, write, and end: all they make stays until then."""


def run_and_exit() -> NoReturn:
    """Run the command line of this process, and end the process.

    After one pass over a file nothing is left to be done: giving its memory back piece by piece takes a tenth of the
    time that a small capture takes. Commands with a screen, threads or sockets end in the usual way.
    """
    status = main()
    if sys.argv[1:2] and sys.argv[1] in _ONE_PASS:
        # Standard output is flushed, or its reader went away.
        with suppress(OSError, ValueError):
            sys.stderr.flush()
        os._exit(status)
    sys.exit(status)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and give its exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    _keep_output_printable()
    try:
        status = _dispatch(given)
        sys.stdout.flush()
    except CommandError as error:
        complain_of(error)
        return error.status
    except KeyboardInterrupt:
        return ExitStatus.INTERRUPTED
    except BrokenPipeError:
        _forget_stdout()
        return ExitStatus.BROKEN_PIPE
    return status


def _dispatch(given: list[str]) -> int:
    if not given or given[0] in ("-h", "--help"):
        sys.stdout.write(OVERVIEW)
        return ExitStatus.OK
    if given[0] == "--version":
        from app.versions import versions

        sys.stdout.write(versions())
        return ExitStatus.OK
    _refuse_misspelt(given)
    command = given[0] if given[0] in COMMANDS else "open"
    try:
        options = parser_of(command).parse_args(given if command == "open" else given[1:])
    except SystemExit as exit_:
        return int(exit_.code or 0)
    with collector_paused():
        run: Callable[[argparse.Namespace], int] = importlib.import_module(_MODULES[command]).run
    if command not in _ONE_PASS:
        return _guarded(run, options)
    with collector_paused():
        status = _guarded(run, options)
        call_old()
    return status


def _guarded(run: Callable[[argparse.Namespace], int], options: argparse.Namespace) -> int:
    from capture.errors import CaptureError

    try:
        return run(options)
    except CommandError as error:
        complain_of(error)
        return error.status
    except CaptureError as error:
        complain(str(error))
        return ExitStatus.UNREADABLE


def _refuse_misspelt(given: list[str]) -> None:
    """Say which command was probably meant where the first word is neither a command nor a file.

    Raises:
        CommandError: it is near to a command.
    """
    word = given[0]
    if word in COMMANDS or word.startswith("-") or os.path.lexists(word) or os.sep in word or "." in word:
        return
    from app.option_parser import likely

    near = likely(word, COMMANDS)
    if near:
        raise CommandError(ExitStatus.USAGE, f"{word} is no command, and no file is called so{near}")


def complain(message: str) -> None:
    """One line on standard error, made safe for the terminal."""
    sys.stderr.write(f"peephole: {safe_text(message)}\n")


def complain_of(error: CommandError) -> None:
    """Why a command ended, and what else there is to say of it, on lines of their own."""
    complain(str(error))
    for line in error.more:
        sys.stderr.write(f"{safe_text(line)}\n")


def _keep_output_printable() -> None:
    """Glyphs that the terminal's encoding lacks come out as escapes instead of ending the program."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure: Callable[..., None] | None = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _forget_stdout() -> None:
    """Let the interpreter flush what is left of the output into nothing when it exits."""
    stream: IO[str] = sys.stdout
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError):
        return
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, descriptor)
    os.close(nothing)


if __name__ == "__main__":
    run_and_exit()
