"""Putting a signed peer record at nodes, and taking it back.

Source: npm hyperdht 6.34.0 (lib/announcer.js: _commit, _unannounce).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from protocol.constants import Command
from protocol.dht.contact import Ask, Contact, Reply
from protocol.dht.node import Node
from protocol.dht.signing import signed_announce
from protocol.keys import KeyPair
from protocol.messages import Announce, PeerRecord
from protocol.peer_values import encode_announce

OnEnded = Callable[[float], None]
OnPut = Callable[[list[Reply], float], None]
"""Called with the answers of those that took the record, in the order in which they did."""


class Placement:
    """The record of one key pair under one target.

    Args:
        node: sends the requests.
        key_pair: signs.
        target: what the record is found under.
    """

    def __init__(self, node: Node, key_pair: KeyPair, target: bytes) -> None:
        self._node: Final = node
        self._key_pair = key_pair
        self._target = target

    def put(self, found: Sequence[Reply], now: float, on_taken: Callable[[Reply], None], on_done: OnPut) -> None:
        """Announce at nodes.

        Args:
            found: their answers to a search.
            now: seconds.
            on_taken: called with the answer of each that takes the record, when it has.
            on_done: called once, when all have answered or failed; perhaps at once.
        """
        waiting = len(found) + 1
        taken: list[Reply] = []

        def ended(now: float) -> None:
            nonlocal waiting
            waiting -= 1
            if not waiting:
                on_done(taken, now)

        def answered(reply: Reply, answer: Reply, now: float) -> None:
            if not answer.error:
                taken.append(reply)
                on_taken(reply)
            ended(now)

        for reply in found:
            ask = self._signed(Command.ANNOUNCE, reply)
            if ask is None:
                ended(now)
            else:
                self._node.request(
                    ask,
                    reply.sender.address,
                    now,
                    lambda answer, now, reply=reply: answered(reply, answer, now),  # type: ignore[misc]
                    lambda _, now: ended(now),
                )
        ended(now)

    def take_back(self, contacts: Iterable[Contact], now: float, on_done: OnEnded) -> None:
        """Ask each for a token, and with it to forget the record; who does not answer will forget it in time."""
        contacts = tuple(contacts)
        waiting = len(contacts) + 1

        def ended(now: float) -> None:
            nonlocal waiting
            waiting -= 1
            if not waiting:
                on_done(now)

        def found(reply: Reply, now: float) -> None:
            ask = None if reply.value is None else self._signed(Command.UNANNOUNCE, reply)
            if ask is None:
                ended(now)
            else:
                to = reply.sender.address
                self._node.request(ask, to, now, lambda _, now: ended(now), lambda _, now: ended(now))

        for contact in contacts:
            ask = Ask(Command.FIND_PEER, target=self._target)
            self._node.request(ask, contact.address, now, found, lambda _, now: ended(now))
        ended(now)

    def _signed(self, command: Command, reply: Reply) -> Ask | None:
        """The signed request to a node that answered; None if it takes none."""
        if reply.token is None or reply.sender.id is None:
            return None
        record = Announce(PeerRecord(self._key_pair.public_key, ()))
        signed = signed_announce(command, self._key_pair, self._target, reply.token, reply.sender.id, record)
        return Ask(command, False, self._target, reply.token, encode_announce(signed))
