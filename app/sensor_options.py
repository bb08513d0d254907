"""Options of `peephole sensor`."""

from __future__ import annotations

import argparse

from app.nats_options import add_nats
from app.option_parser import Parser
from app.option_values import duration, stream_bytes
from app.shared_options import add_keep, add_keys
from app.source_options import add_sources


def sensor_parser() -> Parser:
    """The parser of `sensor`."""
    parser = Parser(
        "sensor",
        "Publish what is captured here to NATS JetStream, for `peephole --from` elsewhere: the packets of attempts and "
        "what became of them (docs/sensors.md).",
    )
    add_sources(parser)
    parser.add_argument("--duration", type=duration, metavar="SECONDS", help="stop by itself")
    _add_publishing(parser)
    add_nats(parser)
    _add_redaction(parser)
    add_keys(parser)
    add_keep(parser)
    # What is published can't come from where it goes.
    # And there is no screen: like `watch --report`, it ends with what captures for it.
    parser.set_defaults(from_bus=None, report=True)
    return parser

    parser.add_argument("--duration", type=duration, metavar="SECONDS", help="stop by itself")


def _add_publishing(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--to",
        metavar="URL",
        help="where to publish: nats://[USER:PASSWORD@]HOST[:PORT][/STREAM], or tls://...; without it what $NATS_URL "
        "says: other users of this machine can see options, but not that",
    )
    parser.add_argument(
        "--name", metavar="NAME", help="what the sensor is called; default: the host's name, unless that is masked"
    )
    parser.add_argument(
        "--all", action="store_true", help="publish DHT messages that belong to no attempt too, not streams"
    )
    parser.add_argument("--create", action="store_true", help="make the stream if it is missing")
    parser.add_argument(
        "--max-bytes",
        type=stream_bytes,
        metavar="N",
        help="with --create: the oldest goes above that; 1 GiB unless said",
    )
    parser.add_argument(
        "--max-age", type=duration, metavar="SECONDS", help="with --create: what is older goes; without it, nothing"
    )
    parser.add_argument(
        "--with-secrets",
        action="store_true",
        help="PUBLISH SECRETS: holepunch secrets of attempts; whoever reads the stream can open their payloads",
    )


def _add_redaction(parser: argparse.ArgumentParser) -> None:
    redaction = parser.add_argument_group("redaction, before anything leaves this machine (docs/redaction.md)")
    redaction.add_argument(
        "--redact", action="store_true", help="put others in place of all addresses, keys, ids and tokens"
    )
    redaction.add_argument(
        "--redact-salt",
        metavar="FILE",
        help="redact, and alike on all sensors that have the same FILE, so that their captures still fit together; "
        "made if it is not there; for its owner alone",
    )
    redaction.add_argument("--redact-ports", action="store_true", help="redact, and ports too")
