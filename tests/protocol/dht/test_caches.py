"""What forgets: caches, records, budgets, routes."""

from __future__ import annotations

from random import Random

from protocol.dht.aged_cache import AgedCache
from protocol.dht.limits import Budgets, Guard, Limits
from protocol.dht.record_store import RecordStore
from protocol.dht.routes import Route, Routes
from protocol.messages import Address


class TestAgedCache:
    def test_the_least_recently_used_gives_way(self) -> None:
        cache: AgedCache[str, int] = AgedCache(2, 10)
        cache.set("a", 1, 0)
        cache.set("b", 2, 0)
        assert cache.get("a", 0) == 1
        cache.set("c", 3, 0)
        assert (list(cache.keys()), cache.get("b", 0)) == (["a", "c"], None)

    def test_age_counts_from_setting_and_not_from_reading(self) -> None:
        cache: AgedCache[str, int] = AgedCache(10, 10)
        cache.set("a", 1, 0)
        assert cache.get("a", 9.9) == 1
        assert cache.get("a", 10) is None
        assert len(cache) == 0
        cache.set("a", 1, 20)
        cache.set("a", 2, 25)
        assert cache.get("a", 34) == 2

    def test_setting_sweeps_out_the_old(self) -> None:
        cache: AgedCache[int, int] = AgedCache(1000, 10)
        for now in range(100):
            cache.set(now, now, now)
            assert len(cache) <= 10

    def test_weight(self) -> None:
        cache: AgedCache[str, int] = AgedCache(10, 10, max_weight=100)
        cache.set("a", 1, 0, 60)
        cache.set("a", 1, 0, 40)
        cache.set("b", 1, 0, 60)
        assert cache.weight == 100
        cache.set("c", 1, 0, 1)
        assert (list(cache.keys()), cache.weight) == (["b", "c"], 61)
        assert cache.pop("b") == 1
        assert cache.pop("b") is None
        assert cache.weight == 1
        cache.set("d", 1, 0, 101)
        assert (len(cache), cache.weight) == (0, 0)


class TestRecordStore:
    def store(self, max_size: int = 100, per_target: int = 10) -> RecordStore:
        return RecordStore(Random(1), max_size, 60, per_target)

    def test_many_to_a_target_and_the_newest_counts(self) -> None:
        store = self.store()
        store.add(b"t", b"a", b"1", 0)
        store.add(b"t", b"b", b"2", 0)
        store.add(b"t", b"a", b"3", 1)
        store.add(b"u", b"a", b"4", 1)
        assert sorted(store.get(b"t", 20, 2)) == [b"2", b"3"]
        assert store.get(b"none", 20, 2) == []
        store.remove(b"t", b"a")
        store.remove(b"t", b"a")
        assert (store.get(b"t", 20, 2), len(store)) == ([b"2"], 2)

    def test_each_runs_out(self) -> None:
        store = self.store()
        store.add(b"t", b"a", b"1", 0)
        store.add(b"t", b"b", b"2", 30)
        assert store.get(b"t", 20, 59) == [b"1", b"2"]
        assert store.get(b"t", 20, 60) == [b"2"]
        store.add(b"t", b"b", b"3", 80)
        assert store.get(b"t", 20, 139) == [b"3"]
        assert store.get(b"t", 20, 140) == []
        assert len(store) == 0

    def test_any_of_many(self) -> None:
        store = self.store()
        for number in range(10):
            store.add(b"t", bytes([number]), bytes([number]), 0)
        reads = [store.get(b"t", 4, 1) for _ in range(100)]
        assert all(len(set(read)) == 4 for read in reads)
        assert {record for read in reads for record in read} == {bytes([number]) for number in range(10)}

    def test_bounds(self) -> None:
        store = self.store(max_size=15, per_target=10)
        for number in range(20):
            store.add(b"t", bytes([number]), bytes([number]), 0)
        assert sorted(store.get(b"t", 20, 0)) == [bytes([number]) for number in range(10, 20)]
        for number in range(100):
            store.add(bytes([number]), b"a", b"x", 0)
        assert len(store) == 15
        assert store.get(b"t", 20, 0) == []
        one = self.store(per_target=1)
        one.add(b"t", b"a", b"1", 0)
        one.add(b"t", b"b", b"2", 0)
        assert one.get(b"t", 20, 0) == [b"2"]


class TestBudgets:
    def test_burst_then_rate(self) -> None:
        budgets = Budgets(rate=2, burst=10, hosts=100)
        assert [budgets.take("a", 4, 0) for _ in range(3)] == [True, True, False]
        assert budgets.take("a", 2, 0)
        assert not budgets.take("a", 1, 0.4)
        assert budgets.take("a", 1, 0.5)
        assert not budgets.take("a", 10.1, 1000)
        assert budgets.take("b", 10, 0)

    def test_a_clock_that_stands_gives_nothing(self) -> None:
        budgets = Budgets(rate=2, burst=10, hosts=100)
        assert sum(budgets.take("a", 1, 5) for _ in range(1000)) == 10

    def test_hosts_are_bounded(self) -> None:
        budgets = Budgets(rate=2, burst=10, hosts=100)
        for number in range(1000):
            budgets.take(f"host {number}", 1, 0)
        assert len(budgets) == 100


def test_what_is_no_larger_than_its_request_is_always_sent() -> None:
    guard = Guard(Limits())
    assert not guard.admits_reply("a", 51, 50, 0)
    assert guard.admits_reply("a", 50, 50, 0)
    guard.verify("a", 0)
    assert guard.admits_reply("a", 10_000, 50, 599)
    assert not guard.admits_reply("a", 10_000, 50, 601)


def test_routes_and_where_they_lead() -> None:
    routes = Routes(2, 60)
    routes.set(b"t", Route(Address("10.0.0.2", 1), b"record"), 0)
    assert routes.get(b"t", 59) == Route(Address("10.0.0.2", 1), b"record")
    assert routes.leads_to("10.0.0.2", 59)
    assert not routes.leads_to("10.0.0.2", 60)
    assert routes.get(b"t", 60) is None
    for number in range(5):
        routes.set(bytes([number]), Route(Address("10.0.0.2", number + 1), b""), 100)
    assert len(routes) == 2
    routes.remove(b"\4")
    assert len(routes) == 1
