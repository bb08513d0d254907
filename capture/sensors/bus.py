"""Where a NATS server is, who we are there, and how to get in: shared by those who publish and those who read.

Errors name what is wrong in one sentence, and never hold a password. A connection that was to be secure is secure: a
server, or somebody in between, that does not offer TLS is refused before anything of ours is sent.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from capture.errors import LiveError

if TYPE_CHECKING:
    from nats.aio.client import Client

DEFAULT_PORT: Final = 4222
DEFAULT_STREAM: Final = "peephole"
MAX_NAME: Final = 64
"""Characters of the name of a stream or a sensor."""
CONNECT_SECONDS: Final = 5
CLOSE_SECONDS: Final = 0.5
PING_SECONDS: Final = 5
"""Between two looks whether the server is still there; after the third without an answer the connection is over."""
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_CREDENTIALS: Final = re.compile(rb"BEGIN NATS USER JWT-+\r?\n.*?BEGIN USER NKEY SEED-+\r?\n(\w+)\r?\n", re.DOTALL)
_CREDENTIALS_BYTES: Final = 1 << 20
_SCHEMES: Final = {"nats": False, "tls": True}


class BusError(LiveError):
    """The NATS server can't be used, or not now."""


class BusAddressError(ValueError):
    """A text is not the address of a NATS server; the message has nothing of a password."""


@dataclass(frozen=True, slots=True)
class Bus:
    """A stream of a NATS server, and how to get in."""

    host: str
    port: int = DEFAULT_PORT
    stream: str = DEFAULT_STREAM
    secure: bool = False
    """Whether TLS is insisted on."""
    user: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    authority: str | None = None
    """File of certificates that vouch for the server, PEM; None: those that the system trusts."""
    certificate: str | None = None
    """File of our own certificate, PEM."""
    key: str | None = None
    """File of its key, PEM; None where the certificate's file has it."""
    credentials: str | None = None
    """File of NATS credentials: a JWT and the seed of an nkey."""

    @property
    def server(self) -> str:
        """The server as a URL, without whoever we are there."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'tls' if self.secure else 'nats'}://{host}:{self.port}"

    @property
    def name(self) -> str:
        """The stream as a URL, without whoever we are there."""
        return f"{self.server}/{self.stream}"


def is_name(text: str) -> bool:
    """Whether a text may be the name of a stream or a sensor: it is a part of subjects."""
    return _NAME.fullmatch(text) is not None


def parse_bus(text: str) -> Bus:
    """The stream that a URL means: ``nats://[USER:PASSWORD@]HOST[:PORT][/STREAM]``, with ``tls://`` insisting on TLS.

    Raises:
        BusAddressError: it is none.
    """
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise BusAddressError("the address of a NATS server is nats://HOST:PORT/STREAM") from None
    if parts.scheme not in _SCHEMES or not host or parts.query or parts.fragment or not host.isprintable():
        raise BusAddressError("the address of a NATS server is nats://HOST:PORT/STREAM, or tls://…")
    stream = parts.path.strip("/") or DEFAULT_STREAM
    if not is_name(stream):
        raise BusAddressError(f"the name of a stream has letters, digits, - and _, and at most {MAX_NAME} of them")
    user = None if parts.username is None else unquote(parts.username)
    password = None if parts.password is None else unquote(parts.password)
    return Bus(host, port or DEFAULT_PORT, stream, _SCHEMES[parts.scheme], user, password)


def tls_context(bus: Bus) -> ssl.SSLContext | None:
    """What TLS is to be made with; None where neither the address nor a file asks for it.

    Raises:
        BusError: a file can't be used.
    """
    if not (bus.secure or bus.authority or bus.certificate):
        return None
    try:
        context = ssl.create_default_context(cafile=bus.authority)
    except (OSError, ValueError) as error:
        raise BusError(str(bus.authority), f"no certificates can be read from it: {_reason(error)}") from None
    if bus.certificate:
        try:
            context.load_cert_chain(bus.certificate, bus.key, password="")
        except (OSError, ValueError) as error:
            reason = f"certificate and key can't be used: {_reason(error)}"
            raise BusError(bus.certificate, reason) from None
    return context


def check_credentials(path: str) -> None:
    """Make sure that a file holds NATS credentials: a JWT, and the seed of an nkey.

    Raises:
        BusError: it does not, or can't be read. Nothing of what it holds is in the message.
    """
    import nkeys

    try:
        with open(path, "rb") as file:
            content = file.read(_CREDENTIALS_BYTES)
    except (OSError, ValueError) as error:
        raise BusError(path, f"credentials can't be read: {_reason(error)}") from None
    found = _CREDENTIALS.search(content)
    try:
        if found is None:
            raise ValueError
        nkeys.from_seed(bytearray(found[1])).wipe()
    except (nkeys.NkeysError, ValueError):
        raise BusError(path, "holds no NATS credentials: a user's JWT, and the seed of an nkey") from None


async def connect(bus: Bus, name: str, complaint: Callable[[Exception], None] | None = None) -> Client:
    """A connection, which ends with the first error: whoever wants another one asks again.

    Args:
        bus: where to.
        name: who we are, for whoever looks at the server.
        complaint: told what the server objects to later.

    Raises:
        BusError: it can't be had.
    """
    from nats.aio.client import Client
    from nats.errors import Error, NoServersError, SecureConnWantedError

    class Guarded(Client):
        """Says who we are only over what is as secure as it was to be."""

        def _connect_command(self) -> bytes:
            if context is not None and self._transport._io_writer.get_extra_info("ssl_object") is None:  # type: ignore[union-attr]
                raise SecureConnWantedError
            return super()._connect_command()

    context = tls_context(bus)
    if bus.credentials is not None:
        check_credentials(bus.credentials)
    heard: list[Exception] = []

    async def hear(error: Exception) -> None:
        heard[:] = [error]
        if complaint is not None:
            complaint(error)

    # It is of no consequence, and would be printed over the screen.
    logging.getLogger("asyncio").addFilter(_not_of_eof)
    client = Guarded()
    try:
        await client.connect(
            bus.server.replace("tls://", "nats://"),
            name=name,
            error_cb=hear,
            allow_reconnect=False,
            max_reconnect_attempts=1,
            reconnect_time_wait=0,
            connect_timeout=CONNECT_SECONDS,
            ping_interval=PING_SECONDS,
            tls=context,
            tls_hostname=bus.host if context is not None else None,
            user=bus.user,
            password=bus.password,
            user_credentials=bus.credentials,
        )
    except (OSError, Error, TimeoutError, ValueError) as error:
        await close(client)
        found = heard[-1] if isinstance(error, NoServersError) and heard else error
        reason = why_not(found)
        if isinstance(found, ConnectionError) and context is not None and not bus.certificate:
            reason += "; it may ask for a certificate of ours: --nats-cert and --nats-key"
        raise BusError(bus.server, reason) from None
    return client


async def close(client: Client) -> None:
    """End a connection, whatever is left of it."""
    from nats.errors import Error

    try:
        await asyncio.wait_for(client.close(), CLOSE_SECONDS)
    except (Error, OSError, TimeoutError):
        return  # it is gone all the same


def why_not(error: Exception) -> str:
    """What an error of the connection means, in a clause."""
    from nats.errors import AuthorizationError, SecureConnWantedError

    text = str(error)
    if isinstance(error, SecureConnWantedError):
        return "does not offer TLS; nothing was sent"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message.lower()}; --nats-ca names who vouches for it"
    if "CERTIFICATE_REQUIRED" in text or "HANDSHAKE_FAILURE" in text:
        return "asks for a certificate of ours: --nats-cert and --nats-key"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {_reason(error)}"
    if isinstance(error, AuthorizationError) or "authorization violation" in text.lower():
        return "does not let us in: user, password, certificate or credentials are wrong, or missing"
    if isinstance(error, TimeoutError):
        return f"does not answer within {CONNECT_SECONDS} seconds"
    if "nats: empty response" in text or "json parse error" in text:
        return "something else than a NATS server answers there"
    if isinstance(error, OSError):
        return f"can't be reached: {_reason(error)}"
    return text.removeprefix("nats: ").strip("'") or type(error).__name__


def _not_of_eof(line: logging.LogRecord) -> bool:
    return "eof_received" not in str(line.msg)


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return (error.reason or "no certificate or key in it").replace("_", " ").lower()
    if isinstance(error, OSError) and error.errno and error.errno > 0:
        return os.strerror(error.errno).lower()
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__
