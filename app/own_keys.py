"""Key pairs of our own and the key log that we write: files that are for their owner alone."""

from __future__ import annotations

import argparse
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from app.exit_status import CommandError, ExitStatus

if TYPE_CHECKING:
    from protocol.keys import KeyPair


def own_keys(options: argparse.Namespace) -> KeyPair:
    """The key pair of the options' seed or file, which is made where it does not exist; otherwise a new pair.

    Raises:
        CommandError: the file can't be read or made, or there is no secret key.
    """
    from protocol.keys import KeyFormatError, key_pair, parse_secret_key

    if options.seed is not None:
        try:
            return parse_secret_key(options.seed)
        except KeyFormatError as error:
            raise CommandError(ExitStatus.USAGE, f"--seed: {error}") from None
    path = options.key_file
    try:
        if path is None:
            return key_pair(secrets.token_bytes(32))
        if os.path.lexists(path):
            return parse_secret_key(Path(path).read_text("ascii"))
        pair = key_pair(secrets.token_bytes(32))
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(pair.seed.hex() + "\n")
        return pair
    except KeyFormatError as error:
        raise CommandError(ExitStatus.USAGE, f"--key-file {path}: {error}") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "no text of ASCII characters"
        raise CommandError(ExitStatus.USAGE, f"--key-file {path}: {reason}") from None


@contextmanager
def written_keylog(path: str) -> Iterator[TextIO]:
    """A key log to write: it is added to, and made for its owner alone.

    Raises:
        CommandError: it can't be written.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise CommandError(ExitStatus.USAGE, f"--keylog {path}: {reason}") from None
    with os.fdopen(descriptor, "w", buffering=1, encoding="ascii") as file:
        yield file
