"""A relay's end of the channel to one of its clients.

Source: npm blind-relay 1.6.1 (index.js: BlindRelaySession).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from protocol.blind_relay.limits import MuxLimits
from protocol.blind_relay.messages import PAIR, PROTOCOL, UNPAIR, Pair, decode_pair, decode_unpair, encode_pair
from protocol.blind_relay.mux import ChannelClosed, ChannelMessage, ChannelOpened, Mux
from protocol.blind_relay.states import ENDS, TABLE, RelayAct, RelayEnd, RelayState, step
from protocol.errors import DecodeError
from protocol.messages import Address

if TYPE_CHECKING:
    from protocol.blind_relay.link import Link


class Switchboard(Protocol):
    """What a session needs of its relay."""

    def on_opened(self, session: RelaySession) -> None:
        """The client opened its side."""

    def on_pair(self, session: RelaySession, pair: Pair, now: float) -> None:
        """The client asks for a partner."""

    def on_unpair(self, session: RelaySession, token: bytes, now: float) -> None:
        """The client wants none any more."""

    def on_closed(self, session: RelaySession, end: RelayEnd, failure: DecodeError | None) -> None:
        """The channel is closed."""

    def on_output(self, session: RelaySession) -> None:
        """`poll_message` has something."""


class RelaySession:
    """One client. Made by `RelayServer.accept`.

    Attributes:
        number: which session of the relay, from 1.
        key: the client's public key.
        address: where its secret stream comes from; the owner sets it again when that moves.
        state: where the channel is.
        waiting: tokens of this client that wait for a partner.
        links: its pairs that are relayed.
        ignored: messages that mean nothing, or came after the end.
    """

    __slots__ = (
        "_board", "_channel", "_limits", "_mux", "address", "ignored", "key", "links", "number", "state", "waiting",
    )  # fmt: skip

    def __init__(self, board: Switchboard, number: int, key: bytes, address: Address, limits: MuxLimits) -> None:
        self.number = number
        self.key = key
        self.address = address
        self.state = RelayState.OPENING
        self.waiting: set[bytes] = set()
        self.links: list[Link] = []
        self.ignored = 0
        self._board = board
        self._limits = limits
        self._mux = Mux(limits)
        self._channel = self._mux.open(PROTOCOL, key)
        board.on_output(self)

    # The owner's acts.

    def end(self) -> None:
        """Take no new pairs, and close the channel as soon as none waits. What is relayed ends with it."""
        self.state = step(self.state, RelayAct.END)
        self.settle()

    def destroy(self) -> None:
        """Close the channel now. Allowed in every state."""
        self._close(RelayAct.DESTROY)

    @property
    def backlog(self) -> int:
        """Bytes that wait for `poll_message`."""
        return self._mux.backlog

    # What goes in and comes out.

    def receive(self, message: bytes, now: float) -> None:
        """Take in one message of the secret stream (`DataReceived.data`)."""
        if self.state is RelayState.CLOSED:
            self.ignored += 1
            return
        try:
            self._mux.receive(message)
            while (event := self._mux.poll_event()) is not None:
                if isinstance(event, ChannelOpened):
                    self.state = step(self.state, RelayAct.OPENED)
                    self._board.on_opened(self)
                elif isinstance(event, ChannelMessage):
                    self._receive(event, now)
                elif isinstance(event, ChannelClosed):
                    self._close(RelayAct.REJECTED if event.rejected else RelayAct.REMOTE_CLOSED)
        except DecodeError as failure:
            self._close(RelayAct.MALFORMED, failure)
        if self._mux.backlog > self._limits.max_backlog:
            self._close(RelayAct.FLOODED)
        if self._mux.backlog:
            self._board.on_output(self)

    def stream_closed(self) -> None:
        """The secret stream is over, or the client ended its side of it. Needed also when the session is closed."""
        self._close(RelayAct.STREAM_LOST)
        self._mux.discard()

    def poll_message(self) -> bytes | None:
        """The next message for the secret stream, or None."""
        return self._mux.poll_message()

    # What the relay says.

    def answer(self, pair: Pair) -> None:
        """Tell the client that its partner is there, and which stream stands for it."""
        if self._channel.closed:
            # The client's CLOSE came right behind what this answers, and is the next that the session learns.
            return
        self._mux.send(self._channel, PAIR, encode_pair(pair))
        self._board.on_output(self)

    def settle(self) -> None:
        """Close if the session is ending and nothing waits."""
        if self.state is RelayState.ENDING and not self.waiting:
            self._close(RelayAct.SETTLED)

    def _receive(self, message: ChannelMessage, now: float) -> None:
        if message.type == PAIR:
            pair = decode_pair(message.content)
            if (self.state, RelayAct.PAIR) in TABLE:
                self._board.on_pair(self, pair, now)
            else:
                self.ignored += 1
        elif message.type == UNPAIR:
            unpair = decode_unpair(message.content)
            if self.state is not RelayState.CLOSED:
                self._board.on_unpair(self, unpair.token, now)
        else:
            self.ignored += 1

    def _close(self, act: RelayAct, failure: DecodeError | None = None) -> None:
        if self.state is RelayState.CLOSED:
            return
        self.state = step(self.state, act)
        self._mux.close(self._channel)
        if self._mux.backlog:
            self._board.on_output(self)
        self._board.on_closed(self, ENDS[act], failure)
