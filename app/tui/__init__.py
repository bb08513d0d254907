"""The Textual screens and widgets."""

import os

# Textual paints at ticks, 60 a second unless told otherwise: what a key did would be seen 8 ms later than it has to,
# and where that took longer than a tick, two ticks later. Nothing is painted at a tick where nothing changed.
os.environ.setdefault("TEXTUAL_FPS", "120")
