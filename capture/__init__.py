"""What was seen: capture files and live sources, flows, keys, tokens, NAT evidence and verdicts."""

import os

# numpy's linear algebra would start a thread for each processor when it is imported, which takes longer than all the
# rest of the import. There is no linear algebra here.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
