"""Words, glyphs and tones for values as the screens show them. What exports say too is in `app.wording`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from app import names
from app.draw.spans import Tone
from app.terminal_text import safe_text
from capture.model import Flow, NatEvidence, Outcome, Path, Role, TokenState, VerdictCode
from protocol.constants import Firewall
from protocol.messages import Address

OUTCOME_TONE: Final = {Outcome.CONNECTED: Tone.GOOD, Outcome.FAILED: Tone.BAD, Outcome.UNKNOWN: Tone.WARN}

TOKEN_WORD: Final = {
    TokenState.NOT_ISSUED: "none",
    TokenState.ISSUED: "issued",
    TokenState.VERIFIED: "verified",
    TokenState.MISMATCH: "mismatch",
    TokenState.ADDRESS_CHANGED: "moved",
    TokenState.NOT_ECHOED: "withheld",
    TokenState.NOT_ACCEPTED: "no proof",
    TokenState.UNREADABLE: "sealed",
}
TOKEN_MEANING: Final = {
    TokenState.NOT_ISSUED: "no token was issued; normal on a relay that the server did not announce",
    TokenState.ISSUED: "issued, no echo of it was seen",
    TokenState.VERIFIED: "the other side echoed it from the host it was issued for",
    TokenState.MISMATCH: "the echo is not what was issued",
    TokenState.ADDRESS_CHANGED: "echoed unchanged, but from or for another host than it was issued for",
    TokenState.NOT_ECHOED: "the other side went on without giving it back",
    TokenState.NOT_ACCEPTED: "echoed unchanged, where its issuer does not look at it or can't use it",
    TokenState.UNREADABLE: "the payloads could not be opened",
}
TOKEN_TONE: Final = {
    TokenState.NOT_ISSUED: Tone.DIM,
    TokenState.ISSUED: Tone.PLAIN,
    TokenState.VERIFIED: Tone.GOOD,
    TokenState.MISMATCH: Tone.BAD,
    TokenState.ADDRESS_CHANGED: Tone.WARN,
    TokenState.NOT_ECHOED: Tone.WARN,
    TokenState.NOT_ACCEPTED: Tone.WARN,
    TokenState.UNREADABLE: Tone.WARN,
}

GOES_ON: Final = 16.0
"""Seconds of silence after which nothing more is expected: peers wait up to ten between two signs of life."""

ROLE_TONE: Final = {
    Role.CLIENT: Tone.CLIENT,
    Role.SERVER: Tone.SERVER,
    Role.NODE: Tone.NODE,
    Role.RELAY: Tone.RELAY,
    Role.CLIENT_RELAY: Tone.RELAY,
    Role.SERVER_RELAY: Tone.RELAY,
    Role.BLIND_RELAY: Tone.RELAY,
    Role.PROXY: Tone.RELAY,
}

SAMPLED: Final = "*"
"""Behind a NAT class that was sampled, not stated."""
SAMPLED_MEANING: Final = "behind a NAT class: what samples in the capture prove; the peer itself stated none"
_FIREWALL_SHORT: Final = {0: "UNKN", 1: "OPEN", 2: "CONS", 3: "RAND"}
_FIREWALL_TONE: Final = {0: Tone.WARN, 1: Tone.GOOD, 2: Tone.GOOD, 3: Tone.BAD}
_PATH_WORDS: Final = {
    Path.PUNCHED: "punched",
    Path.OPEN: "direct, no punch needed",
    Path.LAN: "same network",
    Path.RELAYED: "relayed",
    Path.UPGRADED: "relayed, then direct",
}


def firewall(value: int | None, *, short: bool = False) -> str:
    """Upstream's name of a firewall class; ``?`` where it could not be read."""
    if value is None:
        return "?"
    if value not in _FIREWALL_SHORT:
        return f"?{value}"
    return _FIREWALL_SHORT[value] if short else Firewall(value).name


def nat_class(said: int | None, evidence: NatEvidence | None, *, short: bool = False) -> tuple[str, Tone]:
    """What is known of a side's NAT: the class it stated on the wire, or else what its samples prove, marked ``*``.

    A client that opens fast states UNKNOWN in its only message although nodes have told it enough.
    """
    sampled = evidence.classified if evidence is not None and evidence.samples else Firewall.UNKNOWN
    if said not in (None, Firewall.UNKNOWN) or sampled == Firewall.UNKNOWN:
        return firewall(said, short=short), firewall_tone(said)
    return firewall(sampled, short=short) + SAMPLED, firewall_tone(sampled)


def firewall_tone(value: int | None) -> Tone:
    """How alarming a firewall class is to a hole punch."""
    return Tone.DIM if value is None else _FIREWALL_TONE.get(value, Tone.WARN)


def state(flow: Flow, *, short: bool = False) -> str:
    """One to four words that say how the attempt ended; a likely cause is marked, with ``?`` if `short`."""
    code = flow.verdict.code
    words = {
        VerdictCode.PUNCHED: "punched",
        VerdictCode.OPEN_SERVER: "direct (open server)",
        VerdictCode.OPEN_CLIENT: "direct (open client)",
        VerdictCode.LAN: "same network",
        VerdictCode.UPGRADED: "relayed, then direct",
    }.get(code, code.replace("-", " ").replace("nat", "NAT"))
    if flow.fast_open and code is VerdictCode.PUNCHED:
        words += " (fast open)"
    if not flow.verdict.inferred:
        return words
    return words + ("?" if short else " (likely)")


def goes_on(flow: Flow, latest: float) -> bool:
    """Whether more may come of an attempt of a live source, whose newest packet came at `latest`, epoch seconds."""
    # Later than the newest packet: from before the clock went back.
    return flow.verdict.code is VerdictCode.INCOMPLETE and -GOES_ON < latest - flow.ended < GOES_ON


def stage(flow: Flow) -> str:
    """How far an attempt is that goes on."""
    if flow.rounds:
        number = flow.rounds[-1].round
        return f"{'probing' if number == 0 else 'punching'}, round {'?' if number is None else number}"
    return "handshake" if flow.relays else "searching"


def path(value: Path | None) -> str:
    """The way that the stream took, in words."""
    return "no stream" if value is None else _PATH_WORDS[value]


def address(value: Address | None) -> str:
    """The name in use, or ``host:port``; ``?`` where unknown."""
    return "?" if value is None else names.in_use().address(value) or safe_text(str(value))


def any_port(value: Address) -> str:
    """As `address`; port 0, by which peers state that any port may come, is ``*``."""
    return f"{host(value)}:*" if not value.port else address(value)


def host(value: Address) -> str:
    """The name of the host in use, or the host alone."""
    return names.in_use().host(value) or safe_text(value.host)


def key(value: bytes | None, digits: int = 4) -> str:
    """The name in use of a key or hash, or its first and last hex digits, ``3664…3976``; ``?`` where unknown."""
    if value is None:
        return "?"
    name = names.in_use().key(value)
    if name is not None:
        return name
    text = value.hex()
    return text if len(text) <= 2 * digits + 1 else f"{text[:digits]}…{text[-digits:]}"


def seconds(value: float) -> str:
    """A duration: milliseconds to a minute, then minutes."""
    if abs(value) < 60:
        return f"{value:.3f} s"
    return f"{int(value // 60)} min {value % 60:.1f} s"


def offset(value: float) -> str:
    """Seconds since some start, for a narrow column."""
    return f"{value:.3f}" if abs(value) < 1000 else f"{value:.1f}"


def joined(parts: Iterable[str], by: str = " · ") -> str:
    """The parts that say something, joined."""
    return by.join(part for part in parts if part)
