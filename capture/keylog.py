"""The key log: one secret per line, in the manner of SSLKEYLOGFILE.

A line is ``LABEL attempt secret``: a label of `Label`, the 16 hex digits that name the attempt (the first 8 bytes of
BLAKE2b-256 of its noise message 1) and the 32-byte secret as 64 hex digits, with single blanks between. Empty lines and
lines that start with ``#`` are comments; lines with another label are counted and left alone, so that the format can
grow. docs/keylog.md says who writes which line and what it opens.

The same text is the content of a pcapng decryption-secrets block of type `SECRETS_TYPE`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from protocol.noise_secrets import NoiseSecrets

SECRETS_TYPE: Final = 0x50484B4C
"""Secrets type of a decryption-secrets block that holds a key log: "PHKL"."""

ATTEMPT_SIZE: Final = 8
SECRET_SIZE: Final = 32
LONGEST_LINE: Final = 4096
"""Bytes after which a line is given up as malformed; a well-formed one has at most 103."""
ERRORS_KEPT: Final = 100
"""Malformed lines that are kept with their reason; later ones are only counted."""

LABELS_KEPT: Final = 8
"""Unknown labels that are kept by name."""

_LABEL: Final = re.compile(rb"[A-Z][A-Z0-9_]{0,63}")
_HEX: Final = re.compile(rb"[0-9a-fA-F]*")


class Label(StrEnum):
    """What a line of the key log holds."""

    SERVER_PUBLIC_KEY = "SERVER_PUBLIC_KEY"
    """The server's static public key. Not secret, but without it the transcript can't be rebuilt."""
    CLIENT_EPHEMERAL_KEY = "CLIENT_EPHEMERAL_KEY"
    """Seed of the client's ephemeral key."""
    SERVER_EPHEMERAL_KEY = "SERVER_EPHEMERAL_KEY"
    """Seed of the server's ephemeral key."""
    NOISE_1_STATIC_KEY = "NOISE_1_STATIC_KEY"
    """Cipher key of the client's static public key inside noise message 1."""
    NOISE_1_PAYLOAD_KEY = "NOISE_1_PAYLOAD_KEY"
    """Cipher key of the payload of noise message 1."""
    NOISE_2_PAYLOAD_KEY = "NOISE_2_PAYLOAD_KEY"
    """Cipher key of the payload of noise message 2."""
    HOLEPUNCH_SECRET = "HOLEPUNCH_SECRET"
    """Key of all PEER_HOLEPUNCH payloads of the attempt."""
    CLIENT_TOKEN_SECRET = "CLIENT_TOKEN_SECRET"
    """What the client computes its address tokens with."""
    SERVER_TOKEN_SECRET = "SERVER_TOKEN_SECRET"
    """What the server computes its address tokens with."""


NOISE_LABELS: Final = (
    Label.CLIENT_EPHEMERAL_KEY,
    Label.SERVER_EPHEMERAL_KEY,
    Label.NOISE_1_STATIC_KEY,
    Label.NOISE_1_PAYLOAD_KEY,
    Label.NOISE_2_PAYLOAD_KEY,
)
"""What opens the noise messages."""


class KeyLogError(ValueError):
    """A malformed line.

    Attributes:
        line: number of the line, from 1.
        reason: what is wrong, without the text of the line: it may be a secret.
    """

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"key log line {line}: {reason}")
        self.line = line
        self.reason = reason


class UnknownLabelError(KeyLogError):
    """A line of another kind: not ours to judge.

    Attributes:
        label: what it says it is; capital letters, digits and underscores.
    """

    def __init__(self, line: int, label: str) -> None:
        super().__init__(line, "unknown label")
        self.label = label


@dataclass(frozen=True, slots=True)
class Secret:
    """One line of the key log. Its representation hides the value."""

    label: Label
    attempt: bytes
    """8 bytes that name the attempt."""
    value: bytes
    """32 bytes."""

    def __repr__(self) -> str:
        return f"Secret({self.label}, attempt={self.attempt.hex()})"


class KeyLog:
    """Secrets by attempt, as lines bring them in.

    A secret that is told twice, by client and server or by two files, counts once. An attempt may have several secrets
    under one label: a server that met the same message 1 again answered with a new ephemeral key.

    Attributes:
        name: what it is called when one says where a secret is from: its file's name.
        lines: lines read, comments included.
        errors: the first `ERRORS_KEPT` malformed lines.
        malformed: how many lines were malformed.
        unknown: how many lines had a label that is not in `Label`.
        unknown_labels: the first `LABELS_KEPT` of those labels, each with its number of lines.
    """

    def __init__(self, name: str = "key log") -> None:
        self.name = name
        self.lines = 0
        self.errors: list[KeyLogError] = []
        self.malformed = 0
        self.unknown = 0
        self.unknown_labels: dict[str, int] = {}
        self._values: dict[tuple[bytes, Label], dict[bytes, int]] = {}
        """Secrets, each with the number of the line that told it first; 0 where none did."""

    @classmethod
    def parse(cls, content: bytes | str, name: str = "key log") -> KeyLog:
        """Read a whole key log: the content of a file or of a decryption-secrets block, called `name`."""
        log = cls(name)
        raw = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
        *lines, last = raw.split(b"\n")
        for line in lines:
            log.add_line(line)
        if last:
            log.add_line(last)
        return log

    def add_line(self, line: bytes) -> Secret | None:
        """Take in the next line, without its line end.

        Returns:
            The secret, where the line holds one that was not known. A malformed line goes to `errors`.
        """
        self.lines += 1
        try:
            secret = parse_line(line, self.lines)
        except UnknownLabelError as error:
            self.unknown += 1
            if error.label in self.unknown_labels or len(self.unknown_labels) < LABELS_KEPT:
                self.unknown_labels[error.label] = self.unknown_labels.get(error.label, 0) + 1
        except KeyLogError as error:
            self.malformed += 1
            if len(self.errors) < ERRORS_KEPT:
                self.errors.append(error)
        else:
            return secret if secret is not None and self.add(secret, self.lines) else None
        return None

    def add(self, secret: Secret, line: int = 0) -> bool:
        """Take in a secret of a line; False where it was known already."""
        values = self._values.setdefault((secret.attempt, secret.label), {})
        known = secret.value in values
        values.setdefault(secret.value, line)
        return not known

    def where(self, attempt: bytes, labels: Iterable[Label]) -> str:
        """Which lines tell an attempt's secrets under some labels: ``keys.log lines 3, 4``; empty if none does."""
        found = {line for label in labels for line in self._values.get((attempt, label), {}).values() if line}
        if not found:
            return ""
        return f"{self.name} line{'s' if len(found) > 1 else ''} {', '.join(map(str, sorted(found)))}"

    def values(self, attempt: bytes, label: Label) -> tuple[bytes, ...]:
        """The secrets of an attempt under one label, oldest first; usually one or none."""
        return tuple(self._values.get((attempt, label), ()))

    def secrets(self) -> tuple[Secret, ...]:
        """All secrets, grouped by attempt and label in the order in which they came up."""
        return tuple(
            Secret(label, attempt, value) for (attempt, label), values in self._values.items() for value in values
        )

    def noise_secrets(
        self, attempt: bytes, server_static: tuple[bytes, ...] = (), client_static: tuple[bytes, ...] = ()
    ) -> NoiseSecrets:
        """What the log holds to open the noise messages of an attempt.

        Args:
            attempt: the 8 bytes that name it.
            server_static: seeds of servers' secret keys known from elsewhere.
            client_static: seeds of clients' secret keys known from elsewhere.
        """
        return NoiseSecrets(
            server_static=server_static,
            client_static=client_static,
            server_ephemeral=self.values(attempt, Label.SERVER_EPHEMERAL_KEY),
            client_ephemeral=self.values(attempt, Label.CLIENT_EPHEMERAL_KEY),
            static_1_key=self.values(attempt, Label.NOISE_1_STATIC_KEY),
            payload_1_key=self.values(attempt, Label.NOISE_1_PAYLOAD_KEY),
            payload_2_key=self.values(attempt, Label.NOISE_2_PAYLOAD_KEY),
        )


def parse_line(line: bytes, number: int) -> Secret | None:
    """Read one line, without its line end; None for an empty line or a comment.

    Args:
        line: the line's bytes.
        number: its number, from 1, for the error.

    Raises:
        UnknownLabelError: the label is none of `Label`; the rest of the line is not looked at.
        KeyLogError: the line is malformed.
    """
    if len(line) > LONGEST_LINE:
        raise KeyLogError(number, f"longer than {LONGEST_LINE} bytes")
    label_text, *fields = line.split() or [b"#"]
    if label_text.startswith(b"#"):
        return None
    if not _LABEL.fullmatch(label_text):
        raise KeyLogError(number, "does not begin with a label of capital letters")
    try:
        label = Label(label_text.decode("ascii"))
    except ValueError:
        raise UnknownLabelError(number, label_text.decode("ascii")) from None
    if len(fields) != 2:
        raise KeyLogError(number, f"{label} takes an attempt and a secret, found {len(fields)} values")
    return Secret(
        label,
        _from_hex(fields[0], ATTEMPT_SIZE, "attempt", number),
        _from_hex(fields[1], SECRET_SIZE, "secret", number),
    )


def format_secrets(secrets: Iterable[Secret]) -> str:
    """The lines of some secrets, each with its line end: the content of a file or a decryption-secrets block."""
    return "".join(f"{secret.label} {secret.attempt.hex()} {secret.value.hex()}\n" for secret in secrets)


def _from_hex(text: bytes, size: int, what: str, line: int) -> bytes:
    if not _HEX.fullmatch(text):
        raise KeyLogError(line, f"the {what} is not hexadecimal")
    if len(text) != 2 * size:
        raise KeyLogError(line, f"the {what} has {len(text)} hex digits, not {2 * size}")
    return bytes.fromhex(text.decode("ascii"))
