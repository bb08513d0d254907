"""Opening captures for a command: keys from the options, and everything a user must be told about what was read."""

from __future__ import annotations

import argparse
import hashlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from app.cli import complain
from app.counts import counted
from app.exit_status import CommandError, ExitStatus
from capture.errors import CaptureError

if TYPE_CHECKING:
    from capture.filter import Filter, FilterError
    from capture.flow import FileSummary, Flow
    from capture.given_keys import Keys
    from capture.keylog import KeyLog
    from capture.story import Story

WARNINGS_SHOWN = 5
"""Malformed key log lines that are named one by one."""


class Filed(Protocol):
    """What was read from files or a live source."""

    @property
    def files(self) -> tuple[FileSummary, ...]:
        """Counts of each file or live source."""
        ...


class Reported(Filed, Protocol):
    """What a report needs of a story."""

    @property
    def flows(self) -> tuple[Flow, ...]:
        """The attempts, oldest first."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What was seen and is part of no attempt."""
        ...


def open_story(options: argparse.Namespace) -> Story:
    """Read the files that the options name, or what sensors published; say on standard error what is odd about them.

    Raises:
        CaptureError: a file can't be read as a capture.
        CommandError: a key or a key log can't be used.
    """
    if getattr(options, "from_bus", None):
        from app.stream_story import story_of_stream

        return story_of_stream(options)
    options.files = with_rings(options.files)
    check_paths(options.files)
    keys = keys_of(options)
    from capture.story import Story

    story = Story.open(options.files, keys, ahead=clocks_of(options))
    for line in (*oddities(story), *useless_keys(story, keys)):
        complain(line)
    return story


def chosen_filter(options: argparse.Namespace) -> Filter:
    """The filter that the options give.

    Raises:
        CommandError: it does not parse; the message says where.
    """
    from capture.filter import FilterError, parse_filter

    try:
        return parse_filter(options.filter)
    except FilterError as error:
        raise CommandError(
            ExitStatus.BAD_FILTER, f"the filter is wrong at {error}{_hint(options.filter, error)}"
        ) from None


def _hint(expression: str, error: FilterError) -> str:
    """Where in the expression; shells eat quotes and exclamation marks."""
    at = error.column - 1
    if not at:
        return ""
    before, after = expression[:at], expression[at:]
    shown = f"{'…' if len(before) > 30 else ''}{before[-30:]} ⇒ {after[:30]}{'…' if len(after) > 30 else ''}"
    return f"; it reads: {shown.strip()}"


def with_rings(paths: Sequence[str]) -> list[str]:
    """The paths; in place of the name of a ring, which no file has, those of its files."""
    from capture.disk_ring.names import parts_of

    found: list[str] = []
    for path in paths:
        try:
            parts = [] if path == "-" or os.path.lexists(path) else [part.path for part in parts_of(path)]
        except (OSError, ValueError):
            parts = []  # whoever opens it says why it can't be
        found += parts or [path]
    return found


def check_paths(paths: Sequence[str]) -> None:
    """Refuse what is no file before anything is read.

    Raises:
        CaptureError: not there, a directory, or not readable for this user.
        CommandError: standard input is named twice.
    """
    if list(paths).count("-") > 1:
        raise CommandError(ExitStatus.USAGE, "standard input (-) can be read only once")
    for path in paths:
        if path == "-":
            continue
        try:
            with Path(path).open("rb"):
                pass
        except FileNotFoundError:
            raise CaptureError(path, "no such file") from None
        except IsADirectoryError:
            raise CaptureError(path, "is a directory, not a capture") from None
        except PermissionError:
            raise CaptureError(path, "you are not permitted to read it") from None
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise CaptureError(path, f"can't be opened: {reason}") from None


def clocks_of(options: argparse.Namespace) -> dict[str, float]:
    """By how many seconds the clocks of files are ahead, as the options say, by path.

    Raises:
        CommandError: a file is named that is not among those to read, or could be several of them.
    """
    from capture.disk_ring.names import base_of

    ahead: dict[str, float] = {}
    for name, seconds in options.offset:
        paths = [path for path in options.files if name in (path, base_of(path))]
        paths = paths or [path for path in options.files if os.path.basename(path) == name]
        if len({base_of(path) or path for path in paths}) != 1:
            which = "none" if not paths else "several"
            raise CommandError(ExitStatus.USAGE, f"--offset {name}: {which} of the files to read is called that")
        ahead[paths[0]] = seconds
    return ahead


def keys_of(options: argparse.Namespace, *, may_come_later: bool = False) -> Keys:
    """The keys that the options give.

    Args:
        options: with `key`, `secret_key` and `keylog`.
        may_come_later: whether a key log need not be there yet.

    Raises:
        CommandError: one of them is no key, or a key log can't be read.
    """
    from capture.given_keys import Keys

    if not (options.key or options.secret_key or options.keylog):
        return Keys()
    from protocol.keys import KeyFormatError, parse_public_key, parse_secret_key

    try:
        public = tuple(parse_public_key(text) for text in options.key)
    except KeyFormatError as error:
        raise CommandError(ExitStatus.USAGE, f"--key: {error}") from None
    try:
        secret = tuple(parse_secret_key(text).seed for text in options.secret_key)
    except KeyFormatError as error:
        raise CommandError(ExitStatus.USAGE, f"--secret-key: {error}") from None
    for path in options.keylog:
        if not (may_come_later and not os.path.lexists(path)):
            _check_keylog(path)
    return Keys(public, secret, tuple(options.keylog))


def _check_keylog(path: str) -> None:
    from capture.keylog_files import read_keylog

    try:
        log = read_keylog(path)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise CommandError(ExitStatus.USAGE, f"--keylog {path}: {reason}") from None
    for wrong in log.errors[:WARNINGS_SHOWN]:
        complain(f"{path}, line {wrong.line}: {wrong.reason}; the line is ignored")
    if log.malformed > WARNINGS_SHOWN:
        complain(f"{path}: {log.malformed - WARNINGS_SHOWN} more malformed lines are ignored")
    if log.unknown:
        complain(f"{path}: {_not_understood(log)}")


def _not_understood(log: KeyLog) -> str:
    """Lines of kinds that a newer version may know."""
    named = ", ".join(f"{label} ×{count}" if count > 1 else label for label, count in log.unknown_labels.items())
    more = "" if sum(log.unknown_labels.values()) == log.unknown else " and others"
    lines = f"{counted(log.unknown, 'line')} with labels that this version does not know ({named}{more})"
    return f"{lines}, and no other secret" if not log.secrets() else f"{lines} left alone"


def oddities(story: Filed) -> Iterable[str]:
    """What is wrong with the files, one sentence each."""
    for file in story.files:
        if file.truncated:
            yield f"{file.path}: {file.truncated}; what came before is used"
        yield from (f"{file.path}: {note}" for note in file.notes)


def useless_keys(story: Reported, keys: Keys) -> Iterable[str]:
    """Given keys that belong to no attempt, one sentence each."""
    if not (keys.public_keys or keys.secret_keys):
        return
    from app.draw.terms import key
    from protocol.keys import key_pair

    targets = {flow.target for flow in story.flows}
    seeds = (("--secret-key, whose public key is", key_pair(seed).public_key) for seed in keys.secret_keys)
    for option, public_key in (*(("--key", given) for given in keys.public_keys), *seeds):
        target = hashlib.blake2b(public_key, digest_size=32).digest()
        if target not in targets:
            yield f"{option} {key(public_key)} is the key of no attempt in here: none has the target {key(target)}"


def nothing_to_see(story: Filed) -> str:
    """Why a story has no attempts."""
    messages = sum(file.dht_messages for file in story.files)
    packets = sum(file.packets for file in story.files)
    if not packets:
        return "No attempts: the capture holds no packets."
    if not messages:
        return f"No attempts: none of the {counted(packets, 'packet')} is DHT traffic."
    return (
        f"No attempts: {counted(messages, 'DHT message')} among {counted(packets, 'packet')},"
        " but no peer handshake or hole punch."
    )
