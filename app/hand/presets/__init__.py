"""Rules that reproduce failures as they really happen, one file each; docs/intercept.md says what they do to whom."""
