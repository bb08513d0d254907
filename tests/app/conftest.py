"""No test depends on what whoever runs it has set."""

import pytest

from app.config.settings import SETTINGS


@pytest.fixture(autouse=True)
def _nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PEEPHOLE_CONFIG", "")
    for name in ("NO_COLOR", "COLORFGBG", *(one.variable for one in SETTINGS.values() if one.variable)):
        monkeypatch.delenv(name, raising=False)
