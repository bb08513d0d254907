"""What others do while a step of ours waits: the timers of the protocol that run meanwhile.

| ours | waits with | the other side |
|---|---|---|
| client | the first round, or the punch round | gives the handshake up 10 s after it answered it |
| client | the start of its punches | ends its own: 10 s after the punch round, at a random NAT 35 s |
| server | the answer to a handshake or a round | asks again each second, and gives up after 4 s |
| server | the start of its punches | the same: the answer comes after them |

Our own machines wait without end for a step, with one exception: the server's own 10 s for the client's punch round.

Source: npm hyperdht 6.34.0 (lib/server.js: HANDSHAKE_INITIAL_TIMEOUT; lib/holepuncher.js: holepunch, randomProbes),
dht-rpc 6.27.0 (lib/io.js: Request).
"""

from __future__ import annotations

from typing import Final
from weakref import WeakKeyDictionary

from protocol.constants import Firewall
from protocol.intercept.values import Countdown
from protocol.peer.steps import Act, Attempt, HolepunchStep, Step

__all__ = ("Countdown", "Waits")

HANDSHAKE_KEPT: Final = 10.0
PUNCHES_LAST: Final = 10.0
RANDOM_PUNCHES_LAST: Final = 35.0
RESEND: Final = 1.0
SENDS: Final = 4

_BEFORE_ANSWER: Final = (Act.FIND, Act.OFFER, Act.ASK)
_ANSWERS: Final = (Act.PING, Act.BARRAGE, Act.REPLY, Act.ABORT)
_SERVER: Final = "hyperdht lib/server.js"
_PUNCHER: Final = "hyperdht lib/holepuncher.js"
_REQUEST: Final = "dht-rpc lib/io.js"


class _Course:
    """What is known of the time of one attempt."""

    def __init__(self) -> None:
        self.is_server = False
        self.asked: float | None = None
        """A server's: when the message came that is to be answered."""
        self.answered: float | None = None
        """When the handshake was answered, as far as a side can tell."""
        self.punching: float | None = None
        """A client's: when the punch round was answered."""
        self.random = False


class Waits:
    """Follows the steps of all attempts of one peer."""

    def __init__(self) -> None:
        self._courses: WeakKeyDictionary[Attempt, _Course] = WeakKeyDictionary()

    def came(self, step: Step, now: float) -> None:
        """The machine has built a step."""
        course = self._courses.setdefault(step.connection, _Course())
        if step.act is Act.ANSWER or (isinstance(step, HolepunchStep) and step.relay is None):
            course.is_server = True
        if step.act is Act.ANSWER or (course.is_server and step.act in _ANSWERS):
            course.asked = now if course.asked is None else course.asked
        elif not course.is_server and step.act not in _BEFORE_ANSWER and course.answered is None:
            course.answered = now
        if not course.is_server and step.act is Act.BARRAGE:
            course.punching = now

    def went(self, step: Step, now: float) -> None:
        """It was sent."""
        course = self._courses.setdefault(step.connection, _Course())
        if step.act is Act.ANSWER:
            course.answered = now
        if step.act in (Act.ANSWER, Act.REPLY, Act.ABORT):
            course.asked = None
        if isinstance(step, HolepunchStep) and step.payload.firewall >= Firewall.RANDOM:
            course.random = True

    def timers(self, step: Step, now: float) -> tuple[Countdown, ...]:
        """What runs down while a step waits, next first; what has run down already is left out."""
        course = self._courses.get(step.connection)
        if course is None:
            return ()
        found: list[Countdown] = []
        if course.is_server:
            if course.asked is not None:
                found += [
                    Countdown("the client asks again", course.asked + RESEND * sent, _REQUEST, True)
                    for sent in range(1, SENDS)
                ]
                found.append(Countdown("the client gives this relay up", course.asked + RESEND * SENDS, _REQUEST, True))
            if course.answered is not None:
                found.append(Countdown("our own wait for its punch round ends", course.answered + HANDSHAKE_KEPT))
        elif course.punching is not None:
            lasts = RANDOM_PUNCHES_LAST if course.random else PUNCHES_LAST
            found.append(Countdown("the server's punches end", course.punching + lasts, _PUNCHER, True))
        elif course.answered is not None and step.act is not Act.STREAM:
            due = course.answered + HANDSHAKE_KEPT
            found.append(Countdown("the server stops waiting for a punch round", due, _SERVER, True))
        return tuple(sorted((one for one in found if one.due > now), key=lambda one: one.due))
