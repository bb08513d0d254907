"""Address tokens in an editable payload: kept, made anew, taken out, forged.

| text | token |
|---|---|
| ``keep`` | as it was |
| ``recompute`` | as its issuer makes it, where that secret is known |
| ``strip``, ``none``, empty | none |
| ``random`` | 32 random bytes: a forgery |
| 64 hex digits | these |

Source: npm hyperdht 6.34.0 (lib/secure-payload.js): BLAKE2b-256 of the host as text, keyed with the issuer's secret.
"""

from __future__ import annotations

from protocol.editing.kinds import read_hex
from protocol.editing.values import FieldKind, Opener, TokenSource
from protocol.hashes import blake2b_256

TOKEN_SIZE = 32
FORMS = ("keep", "recompute", "strip", "random")


class Token:
    """A token; `of` says which of the two of a payload it is."""

    kind = FieldKind.TOKEN
    choices: tuple[str, ...] = FORMS

    def __init__(self, *, remote: bool = False) -> None:
        self._remote = remote

    def show(self, value: object) -> str:
        """Hex digits."""
        return value.hex() if isinstance(value, bytes) else ""

    def read(self, text: str, was: object, opener: Opener) -> object:
        """One of the forms, or hex digits; None for no token."""
        form = text.strip().lower()
        if form == "keep":
            return was
        if form in ("", "strip"):
            return None
        if form == "random":
            return opener.random(TOKEN_SIZE)
        if form == "recompute":
            source = opener.remote_token if self._remote else opener.token
            if source is None:
                raise ValueError("the secret of who issues it is not known")
            return token_of(source)
        return read_hex(text, TOKEN_SIZE)


def token_of(source: TokenSource) -> bytes:
    """The token that an issuer gives a host, 32 bytes."""
    return blake2b_256(source.host.encode(), key=source.secret)
