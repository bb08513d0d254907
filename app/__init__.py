"""Show it and act: command line, headless report, exports and the Textual screens."""
