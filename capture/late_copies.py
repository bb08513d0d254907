"""Which of the datagrams that one vantage lacks are those that another has too many of.

Packets without content are paired by the way they go and how long that takes. On a busy machine a NAT lets one out now
and then a few milliseconds later than all others: then its inside shows a packet that never left, and its outside one
that nobody sent. Where just as many came out late as stayed away, they are these, in the order in which they were sent.
Where some were lost, nothing says which, and they are left apart.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable


def in_turn(may_be: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Pair what may be one thing, where that can be told.

    Args:
        may_be: numbers, in order of time, of what was seen before a passage and of what was seen after it and may be
            the same.

    Returns:
        For each group that such pairs hold together, as many pairs as it has members on either side, in order of time;
        none if the sides differ in number, if one of the pairs can not be, or if something is on both sides.
    """
    edges = set(may_be)
    group: dict[int, int] = {}
    members: dict[int, set[int]] = {}
    for pair in edges:
        for one in pair:
            if one not in group:
                group[one] = one
                members[one] = {one}
        kept, joined = (group[one] for one in pair)
        if kept == joined:
            continue
        if len(members[kept]) < len(members[joined]):
            kept, joined = joined, kept
        for one in members[joined]:
            group[one] = kept
        members[kept] |= members.pop(joined)
    before: dict[int, set[int]] = defaultdict(set)
    after: dict[int, set[int]] = defaultdict(set)
    for early, late in edges:
        before[group[early]].add(early)
        after[group[late]].add(late)
    pairs: list[tuple[int, int]] = []
    for name, early_ones in before.items():
        if len(early_ones) != len(after[name]) or not early_ones.isdisjoint(after[name]):
            continue
        turn = list(zip(sorted(early_ones), sorted(after[name]), strict=True))
        if edges.issuperset(turn):
            pairs += turn
    return sorted(pairs)
