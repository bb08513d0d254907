"""What can be done with a step besides sending it: ready-made decisions, each a few changed fields.

A server decides about each handshake and each round: answer, stay silent, refuse, abort, put off, claim a NAT class or
an address, issue, withhold or forge a token, punch or not. A client's steps have the same choices, as far as they have
a meaning there. Whatever is not in these lists can be written into the fields one by one (`protocol.editing`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import Final

from protocol.constants import ErrorCode, Firewall
from protocol.editing.fields import with_fields
from protocol.peer.steps import Act, HolepunchStep, NoiseStep, Step


class Way(Enum):
    """How a step goes once a choice was made."""

    SEND = auto()
    LEAVE_OUT = auto()
    SKIP = auto()
    ASK = auto()
    """It is edited further: one field has no obvious value."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One decision."""

    name: str
    """A word or two; unique among the choices for a step."""
    says: str
    """What it means for the other side."""
    changes: Mapping[str, str] = field(default_factory=dict)
    """Texts by the names of fields."""
    way: Way = Way.SEND
    asks: str = ""
    """The field to be written, of `Way.ASK`."""
    becomes: Step | None = None
    """What the step is then, where that is no matter of texts."""

    def applied(self, step: Step) -> Step:
        """The step with the changes.

        Raises:
            EditError: the step has nothing that the choice would put there, as a token that nobody gave us.
        """
        if self.becomes is not None:
            return self.becomes
        return with_fields(step, self.changes) if self.changes else step


def _errors(who: str) -> tuple[Choice, ...]:
    return (
        Choice("abort", f"error ABORTED: {who} gives the attempt up", {"error": ErrorCode.ABORTED.name}),
        Choice("try later", "error TRY_LATER: busy with another random NAT", {"error": ErrorCode.TRY_LATER.name}),
        Choice("version mismatch", "error VERSION_MISMATCH", {"error": ErrorCode.VERSION_MISMATCH.name}),
    )


def _claims(addresses: str) -> tuple[Choice, ...]:
    firewalls = tuple(
        Choice(f"claim {one.name}", f"say that our NAT is {one.name}", {"firewall": one.name}) for one in Firewall
    )
    where = Choice("claim address", "say that we are elsewhere", way=Way.ASK, asks=addresses)
    return (*firewalls, where)


_SILENT: Final = Choice(
    "stay silent", "no answer, as a firewall that refuses: the other side gives up", way=Way.LEAVE_OUT
)
_TOKENS: Final = (
    Choice("issue token", "give the token that proves the other side's address", {"token": "issue"}),
    Choice("withhold token", "give no token", {"token": "none"}),
    Choice("forge token", "give 32 random bytes as the token", {"token": "random"}),
    Choice("echo token", "send the other side's token back", {"remote_token": "echo"}),
    Choice("withhold echo", "don't send the other side's token back", {"remote_token": "none"}),
    Choice("forge echo", "send 32 random bytes back as the other side's token", {"remote_token": "random"}),
)
_PUNCHING: Final = (
    Choice("say punching", "say that we punch now", {"punching": "yes"}),
    Choice("say not punching", "say that we don't punch", {"punching": "no"}),
)
_FIRE: Final = (
    Choice("don't punch", "nothing is fired", way=Way.LEAVE_OUT),
    Choice("punch elsewhere", "punch another address", way=Way.ASK, asks="destination"),
)
_TTLS: Final = (
    Choice("low TTL", "open our own NAT only: not meant to arrive", {"ttl": "5"}),
    Choice("usual TTL", "meant to arrive", {"ttl": "64"}),
)
_LOST: Final = Choice("lose it", "nobody hears of it: as if the network had lost it", way=Way.LEAVE_OUT)
_SKIP_ROUND: Final = Choice("skip", "go on to what comes next without this round", way=Way.SKIP)

_CHOICES: Final[Mapping[Act, tuple[Choice, ...]]] = {
    Act.FIND: (Choice("skip", "no search: only relays that are known are asked", way=Way.SKIP),),
    Act.OFFER: (
        Choice("claim OPEN", "say that our port is open: the server sends first", {"firewall": "OPEN"}),
        Choice("claim UNKNOWN", "say that nothing is known of our NAT", {"firewall": "UNKNOWN"}),
        Choice("another version", "a version that the server does not speak", {"version": "2"}),
        Choice("claim address", "say that we are elsewhere", way=Way.ASK, asks="addresses4"),
        _LOST,
    ),
    Act.ASK: (
        Choice("another relay", "ask another node in its place", way=Way.ASK, asks="relay"),
        Choice("don't ask", "leave this relay out; the next one found takes its place", way=Way.LEAVE_OUT),
    ),
    Act.ANSWER: (
        _SILENT,
        *_errors("the server"),
        *_claims("addresses4"),
        Choice("offer no punching", "no relays for rounds: only a direct path can work", {"holepunch.id": "none"}),
    ),
    Act.SAMPLE: (
        Choice("don't sample", "ask nobody: our NAT stays UNKNOWN", way=Way.LEAVE_OUT),
        Choice("others", "ping other nodes", way=Way.ASK, asks="nodes"),
    ),
    Act.PROBE: (*_claims("addresses"), *_TOKENS, *_PUNCHING, *_errors("the client"), _SKIP_ROUND, _LOST),
    Act.PUNCH: (*_claims("addresses"), *_TOKENS, *_PUNCHING, *_errors("the client"), _SKIP_ROUND, _LOST),
    Act.DELAY: (*_claims("addresses"), *_TOKENS, _SKIP_ROUND, _LOST),
    Act.REPLY: (_SILENT, *_errors("the server"), *_claims("addresses"), *_TOKENS, *_PUNCHING),
    Act.ABORT: (Choice("no error", "an answer without an error", {"error": "NONE"}), _SILENT),
    Act.SESSION: (*_FIRE, *_TTLS),
    Act.PING: (*_FIRE, *_TTLS),
    Act.ECHO: (*_FIRE, *_TTLS),
    Act.BARRAGE: _FIRE,
    Act.STREAM: (
        Choice("don't open", "no stream on this path: the attempt ends", way=Way.LEAVE_OUT),
        Choice("elsewhere", "send to another address than the path has", way=Way.ASK, asks="destination"),
    ),
}


def choices_for(step: Step) -> tuple[Choice, ...]:
    """The decisions about a step; the first is always to send it as it is."""
    usual = Choice("send", "send it as it is now")
    found = _CHOICES[step.act]
    if step.act is Act.ABORT and isinstance(step, HolepunchStep) and step.relay is not None:
        found = (_LOST,)
    if isinstance(step, NoiseStep) and step.offer is not None and step.payload.holepunch is None:
        payload = replace(step.payload, firewall=Firewall.UNKNOWN, holepunch=step.offer)
        says = "relays for rounds, although our port is open; the rounds then say what you want of our NAT"
        found += (Choice("offer punching", says, becomes=replace(step, payload=payload, plaintext=None)),)
    return (usual, *found)
