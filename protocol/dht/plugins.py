"""Serving PLUGIN: commands that applications add to the protocol, told apart by name and version.

Source: npm hyperdht 6.34.0 (lib/plugin.js, lib/persistent.js).
"""

from __future__ import annotations

from collections.abc import Callable

from protocol.dht.contact import Incoming
from protocol.dht.refusals import Refusal
from protocol.dht.requests import Requests
from protocol.errors import DecodeError
from protocol.messages import PluginRequest
from protocol.storage_values import decode_plugin_request

ServePlugin = Callable[[PluginRequest, Incoming, float], None]
"""Called with the decoded request, the request it came in, and the time; it answers with `Requests.reply`, or not."""


class Plugins:
    """Hands PLUGIN requests to those who registered for them."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests
        self._plugins: dict[tuple[str, int], ServePlugin] = {}

    @property
    def any_registered(self) -> bool:
        """Whether there is any plugin here."""
        return bool(self._plugins)

    def register(self, name: str, version: int, serve: ServePlugin) -> None:
        """Have requests to this plugin, in this version, served."""
        self._plugins[name, version] = serve

    def serve(self, request: Incoming, now: float) -> None:
        """Serve PLUGIN; a request to a plugin that nobody registered gets no answer."""
        message = request.message
        try:
            plugin_request = decode_plugin_request(message.value or b"", message.value_offset)
        except DecodeError:
            self._requests.refused[Refusal.BAD_VALUE] += 1
            return
        serve = self._plugins.get((plugin_request.plugin, plugin_request.version))
        if serve is None:
            self._requests.refused[Refusal.UNKNOWN_PLUGIN] += 1
        else:
            serve(plugin_request, request, now)
