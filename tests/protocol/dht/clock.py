"""A requests machine or a node with its time in the test's hands."""

from __future__ import annotations

from random import Random

from protocol.dht.contact import Contact, Incoming, NodeSocket, Outgoing, Reply
from protocol.dht.limits import Guard, Limits
from protocol.dht.node import Node
from protocol.dht.options import NodeOptions
from protocol.dht.requests import Requests
from protocol.envelope import decode_request, decode_response, encode_request, encode_response
from protocol.hashes import node_id
from protocol.messages import Address, Request, Response

OTHER = Address("10.0.0.2", 2000)
"""The one that machines under test talk to."""
OWN = Address("10.0.0.1", 1000)


class RequestsUnderTest:
    """A `Requests` whose callbacks keep what they get."""

    def __init__(self, limits: Limits | None = None, **options: object) -> None:
        self.now = 100.0
        self.proved: list[Contact] = []
        self.served: list[Incoming] = []
        self.heard: list[Reply] = []
        self.timed_out: list[Contact] = []
        self.closest: tuple[Address, ...] = ()
        self.guard = Guard(limits or Limits())
        self.machine = Requests(
            Random(1),
            self.now,
            self.guard,
            closest=lambda _: self.closest,
            on_request=lambda request, _: self.served.append(request),
            on_reply=lambda reply, _: self.heard.append(reply),
            on_proved=lambda sender, _to, _now: self.proved.append(sender),
            on_timeout=lambda to, _: self.timed_out.append(to),
            **options,  # type: ignore[arg-type]
        )

    def sent(self) -> list[Outgoing]:
        """What was sent since the last call."""
        out = list(self.machine.outbox)
        self.machine.outbox.clear()
        return out

    def advance(self, seconds: float) -> None:
        """Let time pass, serving each timer when it is due."""
        end = self.now + seconds
        while (due := self.machine.next_timeout()) is not None and due <= end:
            assert due >= self.now
            self.now = due
            self.machine.handle_timeout(due)
        self.now = end

    def receive(self, message: Request | Response, sender: Address = OTHER, socket: int = NodeSocket.CLIENT) -> None:
        """Hand in a message."""
        encode = encode_request if isinstance(message, Request) else encode_response
        self.machine.receive(encode(message), sender, self.now, socket)  # type: ignore[operator]


class NodeUnderTest:
    """A persistent `Node` at `OWN`, alone. Whoever tells it something has proved its address, but for strangers."""

    def __init__(self, limits: Limits | None = None, *, persistent: bool = True, strangers: bool = False) -> None:
        self.now = 100.0
        self.strangers = strangers
        options = NodeOptions(
            ephemeral=not persistent,
            firewalled=False,
            public_address=OWN,
            limits=limits or Limits(),
            epoch=1_700_000_000.0,
        )
        self.node = Node(options, Random(1), self.now)
        self.node.start(OWN.port, self.now)
        assert (self.node.id == node_id(OWN)) == persistent

    def tell(self, request: Request, sender: Address = OTHER) -> list[Outgoing]:
        """Hand in a request to the server socket; all that the node sends because of it."""
        return self.tell_bytes(encode_request(request), sender)

    def tell_bytes(self, data: bytes, sender: Address = OTHER) -> list[Outgoing]:
        """Hand in bytes."""
        if not self.strangers:
            self.node._guard.verify(sender.host, self.now)
        self.node.receive_datagram(data, sender, self.now, NodeSocket.SERVER)
        sent = []
        while (outgoing := self.node.poll_datagram(self.now)) is not None:
            sent.append(outgoing)
        return sent

    def ask(self, request: Request, sender: Address = OTHER) -> Response | None:
        """Hand in a request; its answer, which has to go to its sender, or None."""
        sent = self.tell(request, sender)
        answers = [outgoing for outgoing in sent if outgoing.data[0] == 0x13]
        if not answers:
            return None
        assert len(answers) == 1
        assert answers[0].to == sender
        answer = decode_response(answers[0].data)
        assert answer.tid == request.tid
        return answer

    def token(self, sender: Address = OTHER) -> bytes:
        """A token for a host, as the node issues it."""
        answer = self.ask(Request(9, OWN, 2, target=bytes(32)), sender)
        assert answer is not None
        assert answer.token is not None
        return answer.token

    def advance(self, seconds: float) -> list[Outgoing]:
        """Let time pass; all that is sent meanwhile."""
        end = self.now + seconds
        sent = []
        while (due := self.node.next_timeout()) is not None and due <= end:
            self.now = due
            self.node.handle_timeout(due)
            while (outgoing := self.node.poll_datagram(self.now)) is not None:
                sent.append(outgoing)
        self.now = end
        return sent


def as_request(outgoing: Outgoing) -> Request:
    """A request that was sent."""
    return decode_request(outgoing.data)
