"""Verdicts in words: a summary for a tired person, one sentence of advice, and what the application saw."""

from __future__ import annotations

from typing import Final

from capture.flows.verdicts.judgement import Judgement
from capture.model import VerdictCode

_SUMMARIES: Final[dict[VerdictCode, str]] = {
    VerdictCode.PUNCHED: "A punch got through and the stream came up on that path.",
    VerdictCode.OPEN_SERVER: "The server is reachable without punching; the client connected straight to it.",
    VerdictCode.OPEN_CLIENT: "The client is reachable without punching; the server connected straight to it.",
    VerdictCode.LAN: "Both sides are behind one NAT; the client reached the server on its local address.",
    VerdictCode.RELAYED: "The stream runs through a blind relay; no direct path came up.",
    VerdictCode.UPGRADED: "The stream began through a blind relay and then moved to a direct path.",
    VerdictCode.PEER_NOT_FOUND: "No node that was asked has a record of this server, so no handshake was sent.",
    VerdictCode.HANDSHAKE_UNANSWERED: "The handshake was never answered",
    VerdictCode.HANDSHAKE_REFUSED: "The server refused the handshake",
    VerdictCode.NOT_HOLEPUNCHABLE: "The server offers neither an open address nor a relay to punch through.",
    VerdictCode.PROBE_UNANSWERED: "The probe round was never answered",
    VerdictCode.PUNCH_UNANSWERED: "The punch round was never answered",
    VerdictCode.NAT_UNKNOWN: "The punch was called off because a NAT could not be classified",
    VerdictCode.BOTH_NATS_RANDOM: "Both NATs give every destination another port, so no punch can be aimed.",
    VerdictCode.UNVERIFIED_ADDRESS: "A punch against a random NAT needs a verified address, and it was not verified",
    VerdictCode.TRY_LATER: "The server is busy with another random-NAT punch and answered TRY_LATER.",
    VerdictCode.ABORTED_BY_SERVER: "The server called the punch off.",
    VerdictCode.ABORTED_BY_CLIENT: "The client called the punch off.",
    VerdictCode.PROBES_LOST: "Both sides punched and nothing arrived.",
    VerdictCode.NAT_REMAPPED: "The punches came from another port than the one announced",
    VerdictCode.STREAM_NOT_UP: "A path opened, but the stream on it never came up.",
    VerdictCode.INCOMPLETE: "This capture does not show how the attempt ended",
}

_ADVICE: Final[dict[VerdictCode, str]] = {
    VerdictCode.PUNCHED: "Nothing to do.",
    VerdictCode.OPEN_SERVER: "Nothing to do.",
    VerdictCode.OPEN_CLIENT: "Nothing to do.",
    VerdictCode.LAN: "Nothing to do.",
    VerdictCode.RELAYED: "If a direct path should have been possible, look at the punch rounds of this attempt.",
    VerdictCode.UPGRADED: "Nothing to do.",
    VerdictCode.PEER_NOT_FOUND: "Check the server's key, that it is listening, and that both use the same DHT.",
    VerdictCode.HANDSHAKE_UNANSWERED: "See whether the server is online and its firewall function lets this client in.",
    VerdictCode.HANDSHAKE_REFUSED: "Compare the versions of hyperdht on both sides.",
    VerdictCode.NOT_HOLEPUNCHABLE: "Check that the server has announced itself and does not set holepunch: false.",
    VerdictCode.PROBE_UNANSWERED: "See whether relay and server are still up, then try another relay.",
    VerdictCode.PUNCH_UNANSWERED: "See whether relay and server are still up, then try another relay.",
    VerdictCode.NAT_UNKNOWN: "Let the node get to know more DHT nodes before it connects: a class needs three samples.",
    VerdictCode.BOTH_NATS_RANDOM: "Use relayThrough or a proxy, or put one side on another network.",
    VerdictCode.UNVERIFIED_ADDRESS: "Connect through a relay that the server announced: it accepts tokens only there.",
    VerdictCode.TRY_LATER: "Wait some seconds and connect again, or set relayThrough to bridge the time.",
    VerdictCode.ABORTED_BY_SERVER: "Look at the server's holepunch function and its log: the wire only says ABORTED.",
    VerdictCode.ABORTED_BY_CLIENT: "Look at the client's holepunch option and its log: the wire only says ABORTED.",
    VerdictCode.PROBES_LOST: "Look for a firewall that drops UDP between the two networks, or use relayThrough.",
    VerdictCode.NAT_REMAPPED: "A NAT moved its mapping (stray inbound packets or a short timeout do that): try again.",
    VerdictCode.STREAM_NOT_UP: "Capture at the other side: either its packets are dropped or its process died.",
    VerdictCode.INCOMPLETE: "Capture from before the attempt until it is over; give a key where payloads stay sealed.",
}

_ABORTED: Final = "HOLEPUNCH_ABORTED"
_ERRORS: Final[dict[VerdictCode, str]] = {
    VerdictCode.PEER_NOT_FOUND: "PEER_NOT_FOUND",
    VerdictCode.HANDSHAKE_UNANSWERED: "PEER_CONNECTION_FAILED",
    VerdictCode.NOT_HOLEPUNCHABLE: "ETIMEDOUT",
    VerdictCode.HANDSHAKE_REFUSED: "SERVER_ERROR",
    VerdictCode.PROBE_UNANSWERED: _ABORTED,
    VerdictCode.PUNCH_UNANSWERED: _ABORTED,
    VerdictCode.NAT_UNKNOWN: _ABORTED,
    VerdictCode.BOTH_NATS_RANDOM: _ABORTED,
    VerdictCode.UNVERIFIED_ADDRESS: _ABORTED,
    VerdictCode.TRY_LATER: _ABORTED,
    VerdictCode.ABORTED_BY_SERVER: _ABORTED,
    VerdictCode.ABORTED_BY_CLIENT: _ABORTED,
    VerdictCode.PROBES_LOST: _ABORTED,
    VerdictCode.NAT_REMAPPED: _ABORTED,
}


def summary(judgement: Judgement) -> str:
    """The verdict in a sentence, with what the packets show beyond its code."""
    text = _SUMMARIES[judgement.code]
    if judgement.code is VerdictCode.PUNCHED and judgement.fast_open:
        text = "A punch got through in the probe round (fast open) and the stream came up on that path."
    if judgement.detail:
        text = f"{text.removesuffix('.')}: {judgement.detail}."
    elif not text.endswith("."):
        text = f"{text}."
    return " ".join((text, *judgement.behalf))


def advice(judgement: Judgement) -> str:
    """What to try next."""
    return _ADVICE[judgement.code]


def application_error(judgement: Judgement) -> str | None:
    """The error that hyperdht 6.34.0 raises to the application (lib/connect.js); None when connected or not known."""
    if judgement.code is VerdictCode.HANDSHAKE_REFUSED and judgement.detail.startswith("version"):
        return "SERVER_INCOMPATIBLE"
    return _ERRORS.get(judgement.code)
