"""Presets at our relays make two real peers fail, or get through, and the verdict names what was done."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.hand.preset_names import PRESET_NAMES

from . import presets
from .presets import SETTINGS, Setting

TRIED = [setting for setting in SETTINGS if setting.preset]


def test_every_preset_is_tried_and_on_the_page() -> None:
    assert {setting.preset for setting in TRIED} == set(PRESET_NAMES)
    table = presets.PAGE.read_text().partition(presets.BEGIN)[2].partition(presets.END)[0]
    rows = [line for line in table.splitlines() if line.startswith("| `")]
    assert len(rows) == len(TRIED)
    for setting, row in zip(TRIED, rows, strict=True):
        assert row.startswith(f"| `{setting.preset}`{', applied once' if setting.once else ''} |")
        assert f"`{setting.verdict}`" in row


@pytest.mark.lab
@pytest.mark.usefixtures("lab")
@pytest.mark.parametrize("setting", TRIED, ids=lambda setting: setting.name)
def test_a_preset_does_what_the_real_failure_does(setting: Setting, tmp_path: Path) -> None:
    tried = presets.run(setting, tmp_path)
    assert tried.hits > 0
    assert tried.connected == (setting.verdict == "punched")
    assert tried.error == ("" if tried.connected else "HOLEPUNCH_ABORTED")
    assert tried.merged == setting.verdict
    # A relay sees neither punches nor the stream: of what gets through it can't tell how.
    assert tried.relay == ("incomplete" if tried.connected else setting.verdict)
