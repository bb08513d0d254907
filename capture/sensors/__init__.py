"""Sensors: what one of them publishes, so that captures of many places become one story elsewhere."""
