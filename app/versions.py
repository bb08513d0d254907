"""Which versions work together here: for `peephole --version` and for whoever reads a report of a fault."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed
from typing import Final

CHECKED_AGAINST: Final = {"hyperdht": "6.34.0", "hyperswarm": "4.17.2", "blind-relay": "1.6.1"}
"""The packages of the reference that the tests run against (tests/node/package.json)."""

_WORTH_KNOWING: Final = ("textual", "rich", "numpy", "scapy", "pynacl", "cbor2")


def version(name: str = "peephole") -> str:
    """The installed version of a distribution, or a remark when it runs from a bare tree."""
    try:
        return installed(name)
    except PackageNotFoundError:
        return "(not installed)"


def versions() -> str:
    """Lines: Peephole, Python, libraries, and what it was checked against."""
    libraries = ", ".join(f"{name} {version(name)}" for name in _WORTH_KNOWING)
    reference = ", ".join(f"{name} {number}" for name, number in CHECKED_AGAINST.items())
    return (
        f"peephole {version()}\n"
        f"Python {platform.python_version()} on {platform.system()} {platform.machine()}\n"
        f"{libraries}\n"
        f"checked against {reference}\n"
    )
