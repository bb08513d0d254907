"""``python -m bench``: all measurements."""

import subprocess
import sys

from bench import inspector, run

run.main()
inspector.main()
# In a process of its own, as that makes a network namespace for itself.
sys.exit(subprocess.call([sys.executable, "-m", "bench.live"]))
