"""All connections of a peer: by stream id, with their sockets, their timers, and what is to be sent and told.

Whatever happens to a connection marks it as touched; polling datagrams then takes out all that it has to send, plans
its timer, and forgets it when no packet for it needs an answer any more.

Source: npm hyperdht 6.34.0 (lib/raw-stream-set.js).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from struct import Struct
from typing import TYPE_CHECKING, Final

from protocol.constants import UDX_HEADER_SIZE
from protocol.dht.contact import Outgoing
from protocol.messages import Address
from protocol.peer.agenda import Agenda, Timer
from protocol.peer.connection import Connection
from protocol.peer.events import PeerEvent, StageChanged
from protocol.peer.failures import Closing
from protocol.peer.refusals import StreamRefusal
from protocol.punch.pool import SocketPool

if TYPE_CHECKING:
    from random import Random

_STREAM_ID: Final = Struct("<I")
_STREAM_ID_AT: Final = 4


class Connections:
    """The connections of one peer.

    Args:
        random: source of stream ids and of the randomness of secret streams.
        agenda: where their timers run.
        pool: the sockets that they live on.
        emit: takes what they tell.
        early_packets: packets that are kept for a stream without a path.
        keepalive: seconds without a message after which an empty one is sent.
    """

    def __init__(
        self,
        random: Random,
        agenda: Agenda,
        pool: SocketPool,
        emit: Callable[[PeerEvent], None],
        *,
        early_packets: int,
        keepalive: float | None,
    ) -> None:
        self.early_packets = early_packets
        self.keepalive = keepalive
        self.refused: Counter[StreamRefusal] = Counter()
        """Packets of streams that were not taken."""
        self.others: list[Callable[[bytes, Address, float, int], bool]] = []
        """Who may know the streams that are not ours, and then takes the packet."""
        self.may_linger = True
        """Whether connections that are over stay to answer late packets; not while sockets are closed."""
        self._random = random
        self._agenda = agenda
        self._pool = pool
        self._emit = emit
        self._by_id: dict[int, Connection] = {}
        self._touched: dict[Connection, None] = {}
        self._stirred: dict[Connection, None] = {}
        self._timers: dict[Connection, Timer] = {}
        self._sockets: dict[Connection, int] = {}

    def __len__(self) -> int:
        """Connections for which a packet may still need an answer."""
        return len(self._by_id)

    def __iter__(self) -> Iterator[Connection]:
        """All of them, in no order."""
        return iter(tuple(self._by_id.values()))

    def new_stream_id(self) -> int:
        """A stream id that no connection has; 32 random bits, for whoever knows one can inject packets."""
        while (stream_id := self._random.getrandbits(32)) in self._by_id:
            pass
        return stream_id

    def new(self, *, initiator: bool, public_key: bytes, remote_public_key: bytes) -> Connection:
        """A connection with a stream id that no other has."""
        stream_id = self.new_stream_id()
        connection = Connection(
            self, stream_id, initiator=initiator, public_key=public_key, remote_public_key=remote_public_key
        )
        self._by_id[stream_id] = connection
        return connection

    def receive(self, data: bytes, addr: Address, now: float, socket: int) -> None:
        """Take in a packet of a stream."""
        if len(data) < UDX_HEADER_SIZE:
            self.refused[StreamRefusal.UNSOUND] += 1
            return
        connection = self._by_id.get(_STREAM_ID.unpack_from(data, _STREAM_ID_AT)[0])
        if connection is not None:
            connection.receive(data, addr, now, socket)
        elif not any(take(data, addr, now, socket) for take in self.others):
            self.refused[StreamRefusal.UNKNOWN_STREAM] += 1

    def hold_socket(self, connection: Connection, socket: int, now: float) -> None:
        """A connection lives on this socket from now on."""
        before = self._sockets.get(connection)
        self._pool.attach(socket)
        self._sockets[connection] = socket
        if before is not None:
            self._pool.detach(before, now)

    def poll_datagram(self, now: float) -> Outgoing | None:
        """The next packet of any of them."""
        while self._touched:
            connection = next(iter(self._touched))
            outgoing = connection.poll_datagram(now)
            if outgoing is not None:
                return outgoing
            del self._touched[connection]
            self._settle(connection, now)
        return None

    def next_stirred(self) -> Connection | None:
        """One that may have something to tell."""
        connection = next((stirred for stirred in self._stirred if stirred.reader is None), None)
        if connection is not None:
            del self._stirred[connection]
        return connection

    def close(self, closing: Closing, now: float) -> None:
        """Close all."""
        for connection in self:
            connection.close(closing, now)
            # One that was over already may linger no longer.
            self.touch(connection)

    # What a connection calls: see `ConnectionOwner`.

    def random_bytes(self, size: int) -> bytes:
        """Unpredictable bytes."""
        return self._random.randbytes(size)

    def refuse(self, reason: StreamRefusal) -> None:
        """A packet was not taken, or not sent."""
        self.refused[reason] += 1

    def touch(self, connection: Connection, *, stir: bool = False) -> None:
        """The connection may have something to send, or another deadline; `stir`: or something to tell."""
        self._touched[connection] = None
        if stir:
            self._stirred[connection] = None

    def stage_changed(self, connection: Connection) -> None:
        """The connection has got further."""
        self._emit(StageChanged(connection, connection.stage, connection.closing))
        self.touch(connection, stir=True)

    def _settle(self, connection: Connection, now: float) -> None:
        """After a connection has said all that it has to say: plan its timer, or forget it."""
        if connection.reader is not None and connection in self._stirred:
            del self._stirred[connection]
            connection.reader(now)
        connection.tell_over(now)
        if connection.is_gone or (connection.is_over and not self.may_linger):
            self._forget(connection, now)
            return
        due = connection.next_timeout()
        timer = self._timers.get(connection)
        if timer is not None and timer.action is not None:
            # A timer that comes early finds nothing to do and plans the next: cheaper than moving it each time.
            if due is not None and timer.at <= due:
                return
            timer.cancel()
        if due is None:
            self._timers.pop(connection, None)
        else:
            self._timers[connection] = self._agenda.call_at(due, connection.handle_timeout)

    def _forget(self, connection: Connection, now: float) -> None:
        if self._by_id.get(connection.stream_id) is connection:
            del self._by_id[connection.stream_id]
        timer = self._timers.pop(connection, None)
        if timer is not None:
            timer.cancel()
        socket = self._sockets.pop(connection, None)
        if socket is not None:
            self._pool.detach(socket, now)
