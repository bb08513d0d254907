"""What packets prove of ways through NATs: forgotten where nobody needs it any more, and numbered as the table is."""

from __future__ import annotations

from capture.knowledge import Knowledge

V6 = 1 << 49


def end(host: int, port: int) -> int:
    return host << 16 | port


def test_the_last_to_be_proved_stay() -> None:
    known = Knowledge()
    for number in range(100):
        known.learn(end(10, number), end(20, number), end(30 + number, 1))
        known.learn(end(11, 1), end(21, 1), end(31, 1))
    known.shrink(51)
    assert known.rank(end(10, 0), end(20, 0), end(30, 1)) == 2, "there are not twice as many"
    known.shrink(10)
    assert known.rank(end(10, 99), end(20, 99), end(129, 1)) == 2
    assert known.rank(end(11, 1), end(21, 1), end(31, 1)) == 2, "it was proved again and again"
    assert known.rank(end(10, 5), end(20, 5), end(35, 1)) == 1, "its host is known by others"
    assert len(known.ends) == 10
    assert sum(known.hosts.values()) == 9 + 100


def test_ipv6_hosts_follow_the_table() -> None:
    known = Knowledge()
    inside, outside, peer = (V6 | end(number, 7) for number in (4, 5, 6))
    known.learn(inside, outside, peer, 3)
    known.learn(V6 | end(9, 7), outside, V6 | end(8, 7))
    known.learn(end(9, 7), end(5, 7), end(8, 7))
    known.renumber({4: 0, 5: 1, 6: 2}.get)
    assert known.rank(*(V6 | end(number, 7) for number in (0, 1, 2))) == 2
    assert known.ends == {V6 | end(0, 7): {V6 | end(1, 7)}, end(9, 7): {end(5, 7)}}
    assert known.hosts[V6 >> 16, V6 >> 16 | 1] == 3
