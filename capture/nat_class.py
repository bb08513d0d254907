"""What is known of a side's NAT: the class it stated, or else what samples in the capture prove."""

from __future__ import annotations

from typing import NamedTuple

from capture.flow import Flow
from protocol.constants import Firewall


class KnownClass(NamedTuple):
    """A firewall class and where it is from."""

    firewall: int | None
    """None: neither stated in what could be read, nor sampled."""
    sampled: bool
    """It was concluded from samples; the side itself stated none, or UNKNOWN."""


def known_class(flow: Flow, *, client: bool) -> KnownClass:
    """The class of one side of an attempt.

    A client that opens fast states UNKNOWN in its only message although nodes have told it enough.
    """
    stated = flow.client_firewall if client else flow.server_firewall
    if stated not in (None, Firewall.UNKNOWN):
        return KnownClass(stated, sampled=False)
    # What a side stated itself needs no evidence, and to gather that takes all responses to its sockets.
    evidence = flow.client_nat if client else flow.server_nat
    if evidence is not None and evidence.samples and evidence.classified != Firewall.UNKNOWN:
        return KnownClass(evidence.classified, sampled=True)
    return KnownClass(stated, sampled=False)


def class_name(firewall: int | None) -> str:
    """Upstream's name of a class; ``?`` where none is known, the number where it has no name."""
    if firewall is None:
        return "?"
    return Firewall(firewall).name if firewall in Firewall.__members__.values() else str(firewall)
