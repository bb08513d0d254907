"""Two random NATs in the lab: nobody gets through, but with a proxy both sides do, and theirs notice nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from . import proxied
from .grid import Dht
from .proxied import Role
from .scenario import NatKind


@pytest.mark.lab
@pytest.mark.usefixtures("lab")
def test_two_random_nats_do_not_get_through(tmp_path: Path) -> None:
    found = proxied.run(None, None, "ours", tmp_path)
    assert found.sample.connect is None
    assert "both NATs give each destination another port" in found.sample.problem
    assert found.proxy["begun"] == 0


@pytest.mark.lab
@pytest.mark.usefixtures("lab")
@pytest.mark.parametrize(
    ("proxy", "role", "dht"),
    [
        (None, "client", "theirs"),
        (None, "server", "theirs"),
        ("consistent", "client", "mixed"),
        ("consistent", "server", "mixed"),
    ],
)
def test_a_proxy_gets_ours_and_theirs_together(proxy: NatKind | None, role: Role, dht: Dht, tmp_path: Path) -> None:
    found = proxied.run(proxy, role, dht, tmp_path)
    assert found.sample.problem == ""
    assert found.sample.connect is not None
    assert (found.proxy["begun"], found.proxy["connected"], found.proxy["refused"]) == (1, 1, 0)
