"""Every key of the inspector: what it is called, where it works, what it does."""
