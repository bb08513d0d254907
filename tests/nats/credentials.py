"""A NATS operator, an account and a user of it, made for one test: what `nsc` makes for people.

JSON web tokens are signed with nkeys (Ed25519); a credentials file holds that of a user, and the user's seed.
"""

from __future__ import annotations

import base64
import json
import os
import time
from pathlib import Path
from typing import Any

import nkeys

_OPERATOR, _ACCOUNT, _USER = nkeys.PREFIX_BYTE_OPERATOR, nkeys.PREFIX_BYTE_ACCOUNT, nkeys.PREFIX_BYTE_USER
_NO_LIMITS = {"subs": -1, "data": -1, "payload": -1}
_JETSTREAM = {"mem_storage": -1, "disk_storage": -1, "streams": -1, "consumer": -1}
_MORE = {"imports": -1, "exports": -1, "wildcards": True, "conn": -1, "leaf": -1}


class Operator:
    """Who vouches for accounts, with one account."""

    def __init__(self) -> None:
        self._operator, self._account, system = (_pair(kind) for kind in (_OPERATOR, _ACCOUNT, _ACCOUNT))
        limits = {"limits": {**_NO_LIMITS, **_JETSTREAM, **_MORE}}
        self.configuration = "\n".join(
            (
                f"operator: {_signed(self._operator, self._operator, 'operator', {})}",
                f"system_account: {_name(system)}",
                "resolver: MEMORY",
                "resolver_preload: {",
                f"  {_name(self._account)}: {_signed(self._account, self._operator, 'account', limits)}",
                f"  {_name(system)}: {_signed(system, self._operator, 'account', {})}",
                "}",
            )
        )
        """Lines of a server's configuration."""

    def write_user(self, path: Path, permissions: dict[str, Any] | None = None) -> Path:
        """Write the credentials of a new user; readable by the owner alone."""
        user = _pair(_USER)
        token = _signed(user, self._account, "user", {**_NO_LIMITS, **(permissions or {})})
        path.write_text(
            f"-----BEGIN NATS USER JWT-----\n{token}\n------END NATS USER JWT------\n\n"
            f"-----BEGIN USER NKEY SEED-----\n{user.seed.decode()}\n------END USER NKEY SEED------\n"
        )
        path.chmod(0o600)
        return path


def _pair(kind: int) -> nkeys.KeyPair:
    return nkeys.from_seed(nkeys.encode_seed(os.urandom(32), kind))


def _name(pair: nkeys.KeyPair) -> str:
    return pair.public_key.decode()


def _signed(subject: nkeys.KeyPair, by: nkeys.KeyPair, kind: str, claims: dict[str, Any]) -> str:
    header = {"typ": "JWT", "alg": "ed25519-nkey"}
    body = {
        "jti": _name(subject)[:20],
        "iat": int(time.time()),
        "iss": _name(by),
        "name": kind,
        "sub": _name(subject),
        "nats": {**claims, "type": kind, "version": 2},
    }
    text = b".".join(_encoded(json.dumps(part).encode()) for part in (header, body))
    return (text + b"." + _encoded(by.sign(text))).decode()


def _encoded(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
