"""What the commands that run a peer of ours share: the network from options, the inspector, headless running."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

from app.configured import configured, packets_kept
from app.exit_status import CommandError, ExitStatus
from app.hand.from_options import intercepting_of
from app.live_feed import LiveFeed, created
from app.live_saving import saved
from app.own_keys import own_keys, written_keylog
from app.printed_flows import FlowPrinter
from app.reading import chosen_filter

if TYPE_CHECKING:
    from app.hand.desk import DeskControl
    from app.live_node import Heard, LiveNode, NodeSettings
    from protocol.dht.bootstrap import BootstrapNode
    from protocol.keys import KeyPair
    from protocol.noise_handshake import KeyLine
    from protocol.peer.options import ProxyUse

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


def public_keys_of(texts: Iterable[str], option: str) -> tuple[bytes, ...]:
    """Public keys that an option gives.

    Raises:
        CommandError: one of them is no key.
    """
    from protocol.keys import KeyFormatError, parse_public_key

    try:
        return tuple(parse_public_key(text) for text in texts)
    except KeyFormatError as error:
        raise CommandError(ExitStatus.USAGE, f"{option}: {error}") from None


def proxy_of(options: argparse.Namespace) -> ProxyUse | None:
    """Who punches in our place.

    Raises:
        CommandError: what is named is no key, or nobody is and something is said about it.
    """
    from protocol.peer.options import ProxyUse

    if options.proxy is None:
        if options.proxy_after_probe:
            raise CommandError(ExitStatus.USAGE, "--proxy-after-probe goes with --proxy")
        return None
    [public_key] = public_keys_of((options.proxy,), "--proxy")
    return ProxyUse(public_key, after_probe=options.proxy_after_probe)


def desk_of(options: argparse.Namespace, what: str) -> DeskControl | None:
    """Where steps wait for a person, if any are to.

    Args:
        options: of the command line.
        what: what goes by hand.

    Raises:
        CommandError: a step has no such name, or there is nobody to let steps go.
    """
    if not options.by_hand and not options.hold:
        return None
    if options.headless:
        raise CommandError(ExitStatus.USAGE, "--by-hand and --hold need the inspector: they don't go with --headless")
    from app.hand.acts import acts_of
    from app.hand.desk import DeskControl
    from protocol.peer.desk import Desk

    try:
        acts = acts_of(options.hold)
    except ValueError as error:
        raise CommandError(ExitStatus.USAGE, f"--hold: {error}") from None
    return DeskControl(Desk(acts) if acts else Desk(), what)


def basics_of(options: argparse.Namespace) -> tuple[NodeSettings, KeyPair]:
    """Network, sockets and keys that the options want, checked before anything is opened.

    Raises:
        CommandError: something is missing, wrong, or does not go together.
    """
    chosen_filter(options)
    bootstrap = networks_of(options)
    if not options.headless:
        for option in ("json", "duration"):
            if getattr(options, option):
                raise CommandError(ExitStatus.USAGE, f"--{option} goes with --headless")
        if not (sys.stdout.isatty() and sys.stdin.isatty()):
            raise CommandError(ExitStatus.USAGE, "the inspector needs a terminal; add --headless to work without one")
    from app.live_node import NodeSettings

    pair = own_keys(options)
    intercepting = intercepting_of(options)
    return NodeSettings(bootstrap, options.host, options.port, pair, intercepting=intercepting), pair


def run_own(
    options: argparse.Namespace,
    settings: NodeSettings,
    *,
    on_message: Heard | None = None,
    finished: Callable[[LiveNode], int] | None = None,
) -> int:
    """Run a peer in the inspector, or headless if the options say so; gives the exit status.

    Args:
        options: of the command line.
        settings: what is wanted of the peer.
        on_message: headless, called with what connections bring.
        finished: headless, ends the command when the peer has done all that it is to do, with this status.
    """
    with ExitStack() as stack:
        out = stack.enter_context(saved(options))
        record = stack.enter_context(created(options.record)) if options.record else None
        log = stack.enter_context(written_keylog(options.keylog)) if options.keylog else None
        from app.live_node import LiveNode
        from capture.retention import Retention
        from capture.story import Story
        from capture.tap import Tap

        def on_key(line: KeyLine) -> None:
            if log is not None:
                log.write(line.text + "\n")

        tap = Tap("node")
        node = LiveNode(settings, tap, on_key, on_message if options.headless else None)
        story = Story(tap.table)
        feed = LiveFeed(tap, out, Retention(story, tap, packets_kept(options)), record)
        if options.headless:
            from app.headless_node import HeadlessNode

            printer = FlowPrinter(story, chosen_filter(options).on(story).matches, as_json=options.json)
            headless = HeadlessNode(node, story, feed, printer)
            asyncio.run(headless.run(options.duration, to_the_end=finished is not None))
            return ExitStatus.OK if finished is None else finished(node)
        from app.node_thread import NodeThread
        from app.tui.app import run_live

        try:
            return run_live(story, feed, filter_text=options.filter, reading=configured(options), node=NodeThread(node))
        finally:
            feed.finish()
