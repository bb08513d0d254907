"""What each command does once its options are read: `run(options)` gives the exit status."""
