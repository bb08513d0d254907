"""A blind relay's client: asks, with a token, for the stream that stands for a partner.

The owner has a secret stream to the relay. It hands over each of its messages with `receive`, and sends what
`poll_message` gives. `Paired` names the relay's stream id: packets with that id, sent to the relay's address from the
socket of the secret stream, come out at the partner. Time plays no part: hyperdht gives a pair 15 seconds.

Source: npm blind-relay 1.6.1 (index.js: BlindRelayClient).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from protocol.blind_relay.limits import MuxLimits
from protocol.blind_relay.messages import (
    MAX_STREAM_ID,
    PAIR,
    PROTOCOL,
    TOKEN_SIZE,
    UNPAIR,
    Pair,
    Unpair,
    decode_pair,
    encode_pair,
    encode_unpair,
)
from protocol.blind_relay.mux import ChannelClosed, ChannelMessage, ChannelOpened, Mux
from protocol.blind_relay.states import ENDS, RelayAct, RelayEnd, RelayErrorName, RelayState, step
from protocol.errors import DecodeError
from protocol.stream.states import LocalProtocolError


@dataclass(frozen=True, slots=True)
class RelayOpened:
    """The peer is a blind relay."""


@dataclass(frozen=True, slots=True)
class Paired:
    """The partner asked with the same token; the relay passes packets on from now."""

    is_initiator: bool
    token: bytes
    stream_id: int
    """Ours, as given to `pair`."""
    remote_id: int
    """The relay's stream, which stands for the partner's."""


@dataclass(frozen=True, slots=True)
class PairingFailed:
    """A pair that waited is not going to be."""

    token: bytes
    stream_id: int
    error: RelayErrorName
    """What the reference calls it."""


@dataclass(frozen=True, slots=True)
class RelayClosed:
    """The last event, once: the channel is closed. `failure` tells which bytes were wrong."""

    end: RelayEnd
    failure: DecodeError | None = None


ClientEvent = RelayOpened | Paired | PairingFailed | RelayClosed


class RelayClient:
    """Our end of the channel to a relay.

    Attributes:
        state: where the channel is.
        ignored: messages of the relay that answer nothing we asked.
    """

    def __init__(self, key: bytes, limits: MuxLimits | None = None) -> None:
        """Open the channel.

        Args:
            key: our public key on the secret stream; relays know their clients' channels by it.
            limits: what the relay may send.
        """
        self.state = RelayState.OPENING
        self.ignored = 0
        self._limits = limits or MuxLimits()
        self._mux = Mux(self._limits)
        self._channel = self._mux.open(PROTOCOL, key)
        self._waiting: dict[bytes, Pair] = {}
        self._events: deque[ClientEvent] = deque()

    @property
    def waiting(self) -> int:
        """Pairs that the relay has not answered."""
        return len(self._waiting)

    # The owner's acts.

    def pair(self, is_initiator: bool, token: bytes, stream_id: int) -> None:
        """Ask for the partner of `token`; it has to ask with the other flag.

        Args:
            is_initiator: hyperdht: True for the side that chose the relay.
            token: 32 random bytes, exchanged beforehand.
            stream_id: our UDX stream.

        Raises:
            LocalProtocolError: ending or closed, or this token waits already (reference: ALREADY_PAIRING).
            ValueError: a token or an id of another size.
        """
        self.state = step(self.state, RelayAct.PAIR)
        if token in self._waiting:
            raise LocalProtocolError("ALREADY_PAIRING: the token waits already")
        if not 0 <= stream_id <= MAX_STREAM_ID:
            raise ValueError(f"stream id {stream_id} does not fit 4 bytes")
        wanted = Pair(is_initiator, token, stream_id)
        self._mux.send(self._channel, PAIR, encode_pair(wanted))
        self._waiting[token] = wanted

    def unpair(self, token: bytes) -> None:
        """Give up a pair that waits, or end one that is relayed.

        Raises:
            LocalProtocolError: closed.
            ValueError: a token of another size.
        """
        self.state = step(self.state, RelayAct.UNPAIR)
        if len(token) != TOKEN_SIZE:
            raise ValueError(f"a token has {TOKEN_SIZE} bytes")
        self._mux.send(self._channel, UNPAIR, encode_unpair(Unpair(token)))
        pair = self._waiting.pop(token, None)
        if pair is not None:
            self._events.append(PairingFailed(token, pair.id, RelayErrorName.PAIRING_CANCELLED))
        self._settle()

    def end(self) -> None:
        """Close the channel as soon as no pair waits. What is relayed ends with it."""
        self.state = step(self.state, RelayAct.END)
        self._settle()

    def destroy(self) -> None:
        """Close the channel now. Allowed in every state."""
        self._close(RelayAct.DESTROY)

    # What goes in.

    def receive(self, message: bytes) -> None:
        """Take in one message of the secret stream (`DataReceived.data`)."""
        if self.state is RelayState.CLOSED:
            self.ignored += 1
            return
        try:
            self._mux.receive(message)
            while (event := self._mux.poll_event()) is not None:
                if isinstance(event, ChannelOpened):
                    self.state = step(self.state, RelayAct.OPENED)
                    self._events.append(RelayOpened())
                elif isinstance(event, ChannelMessage):
                    self._receive(event)
                elif isinstance(event, ChannelClosed):
                    self._close(RelayAct.REJECTED if event.rejected else RelayAct.REMOTE_CLOSED)
        except DecodeError as failure:
            self._close(RelayAct.MALFORMED, failure)
        if self._mux.backlog > self._limits.max_backlog:
            self._close(RelayAct.FLOODED)

    def stream_closed(self) -> None:
        """The secret stream is over, or the relay ended its side of it."""
        self._close(RelayAct.STREAM_LOST)
        self._mux.discard()

    # What comes out.

    def poll_event(self) -> ClientEvent | None:
        """The next event, or None."""
        return self._events.popleft() if self._events else None

    def poll_message(self) -> bytes | None:
        """The next message for the secret stream, or None."""
        return self._mux.poll_message()

    def _receive(self, message: ChannelMessage) -> None:
        answer = decode_pair(message.content) if message.type == PAIR else None
        wanted = self._waiting.get(answer.token) if answer is not None else None
        if answer is None or wanted is None or wanted.is_initiator != answer.is_initiator:
            self.ignored += 1
            return
        del self._waiting[wanted.token]
        self._events.append(Paired(wanted.is_initiator, wanted.token, wanted.id, answer.id))
        self._settle()

    def _settle(self) -> None:
        if self.state is RelayState.ENDING and not self._waiting:
            self._close(RelayAct.SETTLED)

    def _close(self, act: RelayAct, failure: DecodeError | None = None) -> None:
        if self.state is RelayState.CLOSED:
            return
        self.state = step(self.state, act)
        self._mux.close(self._channel)
        destroyed = act in (RelayAct.DESTROY, RelayAct.MALFORMED, RelayAct.FLOODED)
        error = RelayErrorName.CHANNEL_DESTROYED if destroyed else RelayErrorName.CHANNEL_CLOSED
        for pair in self._waiting.values():
            self._events.append(PairingFailed(pair.token, pair.id, error))
        self._waiting.clear()
        self._events.append(RelayClosed(ENDS[act], failure))
