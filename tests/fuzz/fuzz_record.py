"""Coverage-guided fuzzing of the reader of sensors' records, which must keep the law of `tests.fuzz.record_law`:

any bytes give a record or RecordError; what was read can be written and read again.

python -m tests.fuzz.fuzz_record [-runs=N] [corpus directory]
"""

from __future__ import annotations

import sys

import atheris
import numpy  # noqa: F401  first, or it would be instrumented


def main() -> None:
    """Run the fuzzer with libFuzzer's arguments; only our own code is instrumented, the rest would take long."""
    with atheris.instrument_imports(include=["capture"]):
        from tests.fuzz.record_law import check
    atheris.Setup(sys.argv, check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
