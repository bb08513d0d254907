"""Asking the reference's own modules: a script in tests/node gets stories, a line of JSON each, and answers each."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

SCRIPTS = Path(__file__).parent.parent / "node"
PACKAGES = Path(os.environ.get("PEEPHOLE_NODE_PACKAGES", SCRIPTS)) / "node_modules"
PATIENCE = 120
"""Seconds for all of the stories."""


def answers_of(script: str, stories: Sequence[dict[str, Any]]) -> list[Any]:
    """What the reference makes of stories."""
    if not (PACKAGES / "hyperdht").is_dir():
        pytest.fail(f"no npm packages in {PACKAGES}: run make node-packages")
    run = subprocess.run(
        ["node", script],
        cwd=SCRIPTS,
        env=os.environ | {"NODE_PATH": str(PACKAGES)},
        input="".join(json.dumps(story) + "\n" for story in stories),
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
    )
    return [json.loads(line) for line in run.stdout.splitlines()]
