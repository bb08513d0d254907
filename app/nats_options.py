"""Options of commands that speak with a NATS server, and what they mean together."""

from __future__ import annotations

import argparse
import os
import re
import time
from typing import TYPE_CHECKING, Final

from app.exit_status import CommandError, ExitStatus

if TYPE_CHECKING:
    from capture.sensors.bus import Bus
    from capture.sensors.stream_reader import Since

_AGO: Final = re.compile(r"([0-9]{1,9})([smhd])")
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}


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
        help="what sensors published: nats://HOST:PORT/STREAM, or tls://...; without STREAM it is called peephole",
    )
    since = parser.add_mutually_exclusive_group()
    since.add_argument(
        "--since",
        type=moment,
        metavar="TIME",
        help="with --from: only what was published since then, as 2026-01-31T12:00 or 90s, 15m, 2h, 3d ago; all that "
        "the stream has otherwise",
    )
    since.add_argument("--new", action="store_true", help="with --from: only what is published from now on")
    add_nats(parser)


def moment(text: str) -> float:
    """Epoch seconds of a time: of the day, as ISO 8601 has it, or so long ago."""
    ago = _AGO.fullmatch(text)
    if ago:
        return time.time() - int(ago[1]) * _UNITS[ago[2]]
    from datetime import datetime

    try:
        found = datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError, OSError):
        found = -1.0
    if not 0 <= found < 1 << 33:
        raise argparse.ArgumentTypeError("a time is written 2026-01-31T12:00, or 90s, 15m, 2h, 3d for so long ago")
    return found


def since_of(options: argparse.Namespace) -> Since:
    """Where in the stream to begin."""
    from capture.sensors.stream_reader import Since

    return Since(None if options.since is None else round(options.since * 1e9), options.new)


def check_from(options: argparse.Namespace) -> None:
    """Refuse options that are about a stream where none is read.

    Raises:
        CommandError: it says which.
    """
    if options.from_bus:
        return
    for option in ("since", "new", "nats_ca", "nats_cert", "nats_key", "nats_creds"):
        if getattr(options, option):
            raise CommandError(ExitStatus.USAGE, f"--{option.replace('_', '-')} goes with --from")


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
