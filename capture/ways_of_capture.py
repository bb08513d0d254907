"""The ways that live packets take to us, in the words that the status line has for them."""

from __future__ import annotations

from enum import StrEnum


class Way(StrEnum):
    """How packets come. That of an opener is followed by what made it root."""

    RING = "packet ring"
    SCAPY = "scapy's socket"
    LIBPCAP = "libpcap"
    OPENER = "opener"
    DUMPCAP = "dumpcap"
    TCPDUMP = "tcpdump"
    SSH = "ssh"
    PIPE = "pipe"
    FILE = "file followed"
    OWN = "our own sockets"
    NATS = "NATS"
