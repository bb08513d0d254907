"""Print the table of scenario x vantage x right or wrong: ``python -m tests.truth [FOLDER...]``."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from tests.truth.comparing import TOPICS, VANTAGES, captures, compare

FIXTURES = Path(__file__).parent.parent / "fixtures" / "lab"


def main(arguments: list[str]) -> int:
    roots = [Path(argument) for argument in arguments] or [FIXTURES]
    folders = sorted(
        (path.parent, str(path.parent.relative_to(root))) for root in roots for path in root.rglob("truth.json")
    )
    print(f"{'scenario':34} {'vantage':8} " + " ".join(f"{topic:>9}" for topic in TOPICS))
    wrong: list[str] = []
    for folder, name in folders:
        for vantage in (*VANTAGES, "merged"):
            if not captures(folder, vantage):
                continue
            marks = compare(folder, vantage)
            right = Counter(mark.topic for mark in marks if mark.right)
            total = Counter(mark.topic for mark in marks)
            cells = [f"{right[topic]}/{total[topic]}" if total[topic] else "-" for topic in TOPICS]
            print(f"{name:34} {vantage:8} " + " ".join(f"{cell:>9}" for cell in cells))
            wrong += [f"{name} {vantage} {mark.attempt} {mark.topic}: {mark.says}" for mark in marks if not mark.right]
    print(*wrong, sep="\n")
    print(f"{len(wrong)} wrong")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
