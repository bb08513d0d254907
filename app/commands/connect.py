"""`peephole connect KEY`: connect to a server, and see packet by packet how it goes."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from app.commands.live import basics_of, desk_of, proxy_of, public_keys_of, run_own
from app.exit_status import CommandError, ExitStatus
from app.terminal_text import safe_text

if TYPE_CHECKING:
    from app.live_node import LiveNode
    from protocol.keys import ServerAddress
    from protocol.messages import Address
    from protocol.peer.live import Conversation


def run(options: argparse.Namespace) -> int:
    """Connect, say something if asked to, and end; in the inspector it stays on screen."""
    settings, _ = basics_of(options)
    from protocol.peer.options import ConnectOptions

    server = _server(options.server)
    connecting = ConnectOptions(
        relay_addresses=server.nodes + _relays(options),
        fast_open=not options.no_fast_open,
        local_connection=not options.no_local,
        relay_through=public_keys_of(options.relay_through, "--relay-through"),
        proxy=proxy_of(options),
    )
    say = None if options.send is None else options.send.encode("utf-8", "surrogateescape")
    desk = desk_of(options, "client")
    settings = replace(settings, connect=server.public_key, connecting=connecting, say=say, desk=desk)
    return run_own(options, settings, on_message=_heard, finished=lambda node: _status(node, server.public_key))


def _server(text: str) -> ServerAddress:
    from protocol.keys import KeyFormatError, parse_server_address

    try:
        return parse_server_address(text)
    except KeyFormatError as error:
        raise CommandError(ExitStatus.USAGE, f"the server's key: {error}") from None


def _relays(options: argparse.Namespace) -> tuple[Address, ...]:
    from protocol.dht.bootstrap import is_ipv4, parse_bootstrap
    from protocol.messages import Address

    found = []
    for text in options.relay:
        try:
            node = parse_bootstrap(text)
        except ValueError as error:
            raise CommandError(ExitStatus.USAGE, f"--relay: {error}") from None
        if not is_ipv4(node.host):
            raise CommandError(ExitStatus.USAGE, f"--relay: {node.host!r} is not an IPv4 address")
        found.append(Address(node.host, node.port))
    return tuple(found)


def _heard(_: Conversation, message: bytes) -> None:
    sys.stdout.write(safe_text(message.decode("utf-8", "replace")) + "\n")
    sys.stdout.flush()


def _status(node: LiveNode, public_key: bytes) -> int:
    """A connection that never came about, or broke, is a failed attempt."""
    closing = node.book.closing(public_key)
    return ExitStatus.ATTEMPT_FAILED if closing is not None and closing.error is not None else ExitStatus.OK
