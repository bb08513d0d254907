"""``python -m bench``: all measurements."""

from bench import inspector, run

run.main()
inspector.main()
