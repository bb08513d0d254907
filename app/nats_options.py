"""Options of commands that speak with a NATS server, and what they mean together."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from app.exit_status import CommandError, ExitStatus

if TYPE_CHECKING:
    from capture.sensors.bus import Bus


def add_nats(parser: argparse.ArgumentParser) -> None:
    """How to get in."""
    nats = parser.add_argument_group("NATS (docs/sensors.md)")
    nats.add_argument(
        "--nats-ca", metavar="FILE", help="certificates that vouch for the server (PEM); those of the system otherwise"
    )
    nats.add_argument("--nats-cert", metavar="FILE", help="our certificate (PEM)")
    nats.add_argument("--nats-key", metavar="FILE", help="its key (PEM), if it is not in the same file")
    nats.add_argument("--nats-creds", metavar="FILE", help="NATS credentials: a JWT and an nkey")


def add_from(parser: argparse.ArgumentParser) -> None:
    """What sensors published, as a source of packets."""
    parser.add_argument(
        "--from",
        dest="from_bus",
        metavar="URL",
        help="what sensors published: nats://HOST:PORT/STREAM, or tls://…; without STREAM it is called peephole",
    )
    since = parser.add_mutually_exclusive_group()
    since.add_argument(
        "--since",
        metavar="TIME",
        help="with --from: only what was published since then, as 2026-01-31T12:00 or 90s, 15m, 2h, 3d ago; all that "
        "the stream has otherwise",
    )
    since.add_argument("--new", action="store_true", help="with --from: only what is published from now on")
    add_nats(parser)


def bus_of(options: argparse.Namespace, url: str) -> Bus:
    """The stream that a URL and the options mean. $NATS_USER and $NATS_PASSWORD tell who we are, if the URL does not.

    Raises:
        CommandError: it is none, or options do not go together.
    """
    from dataclasses import replace

    from capture.sensors.bus import BusAddressError, parse_bus

    try:
        bus = parse_bus(url)
    except BusAddressError as error:
        raise CommandError(ExitStatus.USAGE, str(error)) from None
    if options.nats_key and not options.nats_cert:
        raise CommandError(ExitStatus.USAGE, "--nats-key goes with --nats-cert")
    if bus.user is None and os.environ.get("NATS_USER"):
        bus = replace(bus, user=os.environ["NATS_USER"], password=os.environ.get("NATS_PASSWORD", ""))
    return replace(
        bus,
        authority=options.nats_ca,
        certificate=options.nats_cert,
        key=options.nats_key,
        credentials=options.nats_creds,
    )
