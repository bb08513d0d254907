"""No test depends on what whoever runs it has set, and no pilot waits for the clock."""

from collections.abc import Iterator

import pytest

from app import names
from app.config.settings import SETTINGS
from tests.app.idle import WAITING_IN_TEXTUAL, idle


@pytest.fixture(autouse=True)
def _no_names_are_left() -> Iterator[None]:
    """Names are the process's: a test before may have given some, or turned them off."""
    names.use(names.NO_NAMES)
    names.show(True)
    yield
    names.use(names.NO_NAMES)
    names.show(True)


@pytest.fixture(autouse=True)
def _nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PEEPHOLE_CONFIG", "")
    for name in ("NO_COLOR", "COLORFGBG", *(one.variable for one in SETTINGS.values() if one.variable)):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True, scope="session")
def _pilots_wait_for_work_alone() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        for name in WAITING_IN_TEXTUAL:
            patched.setattr(name, idle)
        yield
