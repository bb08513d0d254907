"""What a user has set: a TOML file, environment variables, options.

    config = load()                                  # values alone, faults left out
    reading = read_config()                          # values, where each comes from, and what is wrong with the file
    keep({"theme": "light", "ladder.time": "clock"}) # written to the file, whose comments stay

Nothing here needs Textual or numpy, and the parser is imported only where there is a file to read.
"""

from app.config.reading import Origin, Reading, load, read_config
from app.config.settings import SETTINGS, Config, Kind, Setting, Value
from app.config.trouble import ConfigError, Fault
from app.config.writing import keep

__all__ = [
    "SETTINGS",
    "Config",
    "ConfigError",
    "Fault",
    "Kind",
    "Origin",
    "Reading",
    "Setting",
    "Value",
    "keep",
    "load",
    "read_config",
]
