"""NAT classification: the rules one by one, and every step of it against the reference's own sampler."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.constants import Firewall
from protocol.messages import Address
from protocol.nat import NatSampler, classify

from .test_reference import run_node

Sample = tuple[Address, Address]

SEQUENCES = 4000


def node(number: int) -> Address:
    """A node that tells."""
    return Address("46.0.0.1", 10_000 + number)


def seen_as(*text: str) -> list[Sample]:
    """Samples of the nodes 0, 1, 2...: each a host letter and a port digit, as in ``a1``."""
    return [(Address(f"11.0.0.{ord(one[0])}", int(one[1])), node(number)) for number, one in enumerate(text)]


@pytest.mark.parametrize(
    ("samples", "firewall", "rule"),
    [
        ("", Firewall.UNKNOWN, "no samples yet"),
        ("a1", Firewall.UNKNOWN, "1 of at least 3"),
        ("a1 a1", Firewall.UNKNOWN, "2 of at least 3"),
        ("a1 a1 a1", Firewall.CONSISTENT, "3 of 3 nodes saw 11.0.0.97:1"),
        ("a1 a2 a3", Firewall.RANDOM, "3 nodes saw 3 different addresses"),
        ("a1 a1 a2", Firewall.UNKNOWN, "no rule decides yet"),
        ("a1 a1 a2 a3", Firewall.RANDOM, "one host"),
        ("a1 a1 a2 a1", Firewall.CONSISTENT, "3 of 4"),
        ("a1 a1 b1 b1", Firewall.CONSISTENT, "two addresses"),
        ("a1 a1 b1 b2", Firewall.UNKNOWN, "no rule decides yet"),
        ("a1 a1 b1 b2 b3", Firewall.RANDOM, "only one address was seen twice"),
        ("a1 a2 a3 a1 a1", Firewall.CONSISTENT, "3 of 5"),
    ],
)
def test_rules(samples: str, firewall: Firewall, rule: str) -> None:
    found = classify(seen_as(*samples.split()))
    assert found.firewall is firewall
    assert rule in found.rule
    assert found.sampled == len(samples.split())


def test_a_node_counts_once() -> None:
    samples = seen_as("a1", "a1") + [(Address("11.0.0.97", 1), node(0))] * 5
    assert classify(samples).sampled == 2


def test_who_is_reachable_is_open_whatever_nodes_see() -> None:
    found = classify(seen_as("a1", "a2", "a3"), firewalled=False)
    assert (found.firewall, found.addresses) == (Firewall.OPEN, None)


ENDS = st.builds(Address, st.sampled_from(["11.0.0.1", "11.0.0.2", "11.0.0.3"]), st.integers(1, 4))
NODES = st.builds(Address, st.sampled_from(["46.0.0.1", "46.0.0.2"]), st.integers(1, 9))


@settings(max_examples=200)
@given(st.lists(st.tuples(ENDS, NODES), max_size=20))
def test_sampling_step_by_step_ends_where_classifying_does(samples: list[Sample]) -> None:
    sampler = NatSampler()
    counted = sum(sampler.add(*sample) for sample in samples)
    found = classify(samples)
    assert (sampler.firewall, sampler.rule, sampler.addresses) == (found.firewall, found.rule, found.addresses)
    assert counted == found.sampled == len({seen_by for _, seen_by in samples})
    assert sampler.rule


def sequences(seed: int) -> list[tuple[bool, list[Sample]]]:
    """Sequences of few hosts and ports, so that they meet; some nodes tell twice."""
    chance = random.Random(seed)
    made = []
    for _ in range(SEQUENCES):
        hosts, ports, nodes = chance.randint(1, 4), chance.randint(1, 5), chance.randint(3, 40)
        samples = [
            (Address(f"11.0.0.{chance.randint(1, hosts)}", chance.randint(1, ports)), node(chance.randint(1, nodes)))
            for _ in range(chance.randint(0, 14))
        ]
        made.append((chance.random() < 0.9, samples))
    return made


@pytest.mark.node
@pytest.mark.parametrize("seed", [1, 2])
def test_the_reference_says_the_same_after_every_sample(seed: int) -> None:
    cases = sequences(seed)
    answers = run_node(
        "nat-samples.cjs", [json.dumps({"firewalled": firewalled, "samples": samples}) for firewalled, samples in cases]
    )
    assert len(answers) == len(cases)
    classes = set()
    for (firewalled, samples), answer in zip(cases, answers, strict=True):
        sampler = NatSampler(firewalled=firewalled)
        for sample, (firewall, addresses, sampled) in zip(samples, answer, strict=True):
            sampler.add(*sample)
            ours = None if sampler.addresses is None else [list(address) for address in sampler.addresses]
            assert (sampler.firewall, ours, sampler.sampled) == (firewall, addresses, sampled), samples
            classes.add(firewall)
    assert classes == set(Firewall)
