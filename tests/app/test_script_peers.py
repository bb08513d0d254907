"""Peers of a script on the embedded network: steps by hand, held messages, and what a failed wait says."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.script import Act, ExpectationFailed, Hand
from capture.story import Story
from protocol.keys import key_pair

NODES = 6


async def test_a_step_is_edited_left_out_and_repeated(tmp_path: Path) -> None:
    async with Hand(seed=11) as hand:
        network = await hand.network(nodes=NODES)
        server = await network.server()
        client = await network.client(by_hand=("probe", Act.PUNCH))
        attempt = client.connect(server, fast_open=False)
        probe = await client.next("probe")
        assert probe.fields["round"] == "0"
        probe.edit(round=4, firewall="RANDOM")
        assert probe.fields["firewall"] == "RANDOM"
        probe.revert().edit(round=4).send()
        with pytest.raises(ExpectationFailed, match="the step PROBE: the step does not wait any more"):
            probe.send()
        probe.repeat(round=5)
        punch = await client.next(Act.PUNCH)
        punch.leave_out()
        ending = await attempt.failed()
        assert (ending.error, ending.cause) == ("HOLEPUNCH_ABORTED", "a step was left out by hand")
        flow = hand.attempt(attempt)
        assert sorted(one.round for one in flow.rounds if one.round is not None) == [4, 5]
        assert client.went[-1] == "PUNCH left out"
        hand.save(str(tmp_path / "saved.pcapng"))
        [saved] = [one for one in Story.open([str(tmp_path / "saved.pcapng")]).flows if one.id == attempt.id]
        assert saved.verdict.code == flow.verdict.code
        assert {one.id for one in hand.attempts("verdict == incomplete or verdict != incomplete")} >= {attempt.id}


async def test_a_server_by_hand_and_messages_at_the_relays() -> None:
    async with Hand(seed=12) as hand:
        network = await hand.network(nodes=NODES)
        server = await network.server(by_hand=(Act.ANSWER,), echo=False)
        client = await network.client()
        await network.relays.hold("command == PEER_HOLEPUNCH and mode == REPLY")
        attempt = client.connect(server, fast_open=False)
        answer = await server.next(Act.ANSWER)
        assert answer.fields["firewall"] == "UNKNOWN"
        answer.send()
        message = await network.relays.held()
        assert message.fields["round"] == "0"
        assert message.sent
        await message.edit(round=77)
        await message.revert()
        await message.edit({"punching": "no"}, firewall="OPEN")
        assert message.fields["firewall"] == "OPEN"
        await message.forward()
        await network.relays.pass_on()
        with pytest.raises(ExpectationFailed, match="not held any more"):
            await message.drop()
        accepted = await server.accepted()
        await attempt.opened()
        await attempt.conversation.send(b"one way")
        assert await accepted.conversation.recv() == b"one way"
        assert any(one.fate == "edited" for one in network.relays.touched)
        attempt.destroy()


async def test_what_a_failed_wait_says() -> None:
    async with Hand(seed=13) as hand:
        network = await hand.network(nodes=NODES)
        client = await network.client(by_hand=(Act.FIND,))
        attempt = client.connect(key_pair(b"x" * 32).public_key)
        with pytest.raises(ExpectationFailed, match=r"PUNCH of the client would never wait: name it in by_hand"):
            await client.next(Act.PUNCH)
        client.by_hand(Act.PUNCH)
        with pytest.raises(
            ExpectationFailed, match=r"waited 0.05 s for PUNCH of the client; waiting: FIND; done: nothing"
        ):
            await client.next(Act.PUNCH, within=0.05)
        with pytest.raises(
            ExpectationFailed, match=r"waited 0.05 s for the end of the connection, which is at: looking"
        ):
            await attempt.ended(within=0.05)
        with pytest.raises(ExpectationFailed, match="'knock' is no step; steps are FIND, OFFER"):
            client.by_hand("knock")
        step = await client.next()
        with pytest.raises(ExpectationFailed, match="the step FIND can't be edited: target"):
            step.edit(target="short")
        client.by_itself()
        with pytest.raises(ExpectationFailed, match="the connection should have opened, and closed"):
            await attempt.opened()
        with pytest.raises(ExpectationFailed, match="there is no NAT 'thick'"):
            await network.client(nat="thick")
        with pytest.raises(ExpectationFailed, match="the server's key"):
            client.connect("no key")
        with pytest.raises(ExpectationFailed, match="relays can't hold"):
            await network.relays.hold("verdict == punched")
        with pytest.raises(ExpectationFailed, match="is no filter"):
            hand.attempts("nonsense ==")
        with pytest.raises(ExpectationFailed, match="there is none"):
            await network.relays.preset("nothing-of-the-kind")
        with pytest.raises(ExpectationFailed, match="no TOML"):
            await network.relays.rules("[[")


async def test_a_network_that_is_joined_has_relays_of_others() -> None:
    async with Hand(seed=14) as hand:
        ours = await hand.network(nodes=NODES)
        [first] = ours.bootstrap
        joined = await hand.join(f"{first.host}:{first.port}", host="127.0.0.1")
        with pytest.raises(ExpectationFailed, match="are not ours"):
            _ = joined.relays
        server = await joined.server(keys=None)
        client = await joined.client()
        attempt = client.connect(server.public_key.hex())
        assert await attempt.echo(b"joined") == b"joined"
        ending = await attempt.end()
        assert (ending.opened, ending.error, ending.cause) == (True, "", "both sides ended")
        with pytest.raises(ExpectationFailed, match="no network is named"):
            await hand.join()
