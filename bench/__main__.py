"""``python -m bench``: all measurements."""

from bench.run import main

main()
