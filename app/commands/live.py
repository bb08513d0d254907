"""What the commands that run a node of ours share: networks and keys from options, the inspector, headless running."""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

from app.exit_status import CommandError, ExitStatus
from app.live_feed import LiveFeed, created
from app.printed_flows import FlowPrinter
from app.reading import chosen_filter

if TYPE_CHECKING:
    from app.live_node import LiveNode, NodeSettings
    from capture.tap import Tap
    from protocol.dht.bootstrap import BootstrapNode
    from protocol.keys import KeyPair

NO_NETWORK: Final = (
    "no network is named: --bootstrap HOST:PORT says where to begin (as often as there are such nodes), "
    "--public joins the public HyperDHT network"
)


def networks_of(options: argparse.Namespace) -> tuple[BootstrapNode, ...]:
    """The bootstrap nodes that the options name.

    Raises:
        CommandError: none is named, or one is no address.
    """
    from protocol.dht.bootstrap import PUBLIC_BOOTSTRAP, parse_bootstrap

    if not options.bootstrap and not options.public:
        raise CommandError(ExitStatus.USAGE, NO_NETWORK)
    try:
        named = tuple(parse_bootstrap(text) for text in options.bootstrap)
    except ValueError as error:
        raise CommandError(ExitStatus.USAGE, f"--bootstrap: {error}") from None
    return named + (PUBLIC_BOOTSTRAP if options.public else ())


def own_keys(options: argparse.Namespace) -> KeyPair:
    """The key pair of the options' file, which is made where it does not exist; without one, a new pair each time.

    Raises:
        CommandError: the file can't be read or made, or holds no secret key.
    """
    from protocol.keys import KeyFormatError, key_pair, parse_secret_key

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


def settings_of(options: argparse.Namespace, pair: KeyPair) -> NodeSettings:
    """What the options want of a node."""
    from app.live_node import NodeSettings

    return NodeSettings(networks_of(options), options.host, options.port, pair, announce=options.announce)


def run_own(options: argparse.Namespace, make: Callable[[Tap], LiveNode]) -> int:
    """Run a node in the inspector, or headless if the options say so."""
    networks_of(options)
    if not options.headless:
        for option in ("json", "duration"):
            if getattr(options, option):
                raise CommandError(ExitStatus.USAGE, f"--{option} goes with --headless")
        if not (sys.stdout.isatty() and sys.stdin.isatty()):
            raise CommandError(ExitStatus.USAGE, "the inspector needs a terminal; add --headless to work without one")
    with ExitStack() as stack:
        out = stack.enter_context(created(options.write)) if options.write else None
        from capture.story import Story
        from capture.tap import Tap

        tap = Tap("node")
        node = make(tap)
        story, feed = Story(tap.table), LiveFeed(tap, out)
        if options.headless:
            from app.headless_node import HeadlessNode

            printer = FlowPrinter(story, chosen_filter(options).matches, as_json=options.json)
            asyncio.run(HeadlessNode(node, story, feed, printer).run(options.duration))
            return ExitStatus.OK
        from app.tui.app import run_live

        try:
            return run_live(story, feed, filter_text=options.filter, node=node)
        finally:
            feed.finish()
