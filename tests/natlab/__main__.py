"""`python -m tests.natlab`."""

from .cli import main

raise SystemExit(main())
