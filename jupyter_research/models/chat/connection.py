"""Build the client of a chat model: one for each session, with connections that can be cut."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from ...errors import ModelFailed
from .entry import Entry
from .packages import need_package

#: Seconds in which a connection has to be there.
_CONNECT: Final = 20.0
#: In which headers keys are sent, and in which it is said whose account at the provider it is.
_KEYS: Final = ("authorization", "x-api-key", "x-goog-api-key")
_ACCOUNT: Final = ("openai-organization", "openai-project")
#: What stands for a key where a server wants none: a client refuses to be made without one.
_NO_KEY: Final = "none"


class Sockets:
    """Hold the sockets of a session's client, so that a cancel can end a blocked read.

    Closing an HTTP client does not wake a thread that waits in one of its connections.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._shut = False

    def follow(self, request: Any) -> None:
        """Watch the connection that a request opens; a hook for an HTTP client."""
        request.extensions["trace"] = self._trace

    def _trace(self, name: str, info: dict[str, Any]) -> None:
        if name not in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            return
        stream = info.get("return_value")
        found = stream.get_extra_info("socket") if stream is not None else None
        if isinstance(found, socket.socket):
            with self._lock:
                self._open = [one for one in self._open if one.fileno() >= 0]
                self._open.append(found)
                shut = self._shut
            if shut:
                _shutdown(found)

    def shut(self) -> None:
        """End every connection, and those that are still to be opened."""
        with self._lock:
            self._shut = True
            for one in self._open:
                _shutdown(one)

    def close(self) -> None:
        """Close what a client that is not ours to close has left open."""
        with self._lock:
            left, self._open = self._open, []
        for one in left:
            one.close()


def _shutdown(one: socket.socket) -> None:
    try:
        # The plain method: that of a TLS socket would take its state away from the thread that reads.
        socket.socket.shutdown(one, socket.SHUT_RDWR)
    except OSError:
        pass


@contextmanager
def connected(entry: Entry, key: str | None, sockets: Sockets) -> Iterator[Any]:
    """Give LangChain's chat model over a client of our own, and close that client.

    Raises:
        NoPackage: when the provider's package is missing.
        ModelFailed: when the provider's class does not take its arguments.
    """
    need_package(entry.provider)
    from langchain.chat_models import init_chat_model

    arguments: dict[str, Any] = {"model_provider": entry.provider, **entry.options}
    if key is not None or entry.base_url:
        arguments["api_key"] = key or _NO_KEY
    if entry.base_url or entry.provider in _SPECIAL:
        # Always, where we know it: a variable of the process must not send texts where nobody said they go.
        arguments["base_url"] = entry.url
    own: list[Any] = []
    arguments.update(_SPECIAL.get(entry.provider, _plain)(entry, _settings(entry, key, sockets), own))
    try:
        try:
            model = init_chat_model(entry.model, **arguments)
        except Exception as error:
            # Not chained, and without the key: a class that refuses its arguments shows all of them.
            raise ModelFailed(f"The model {entry.name} cannot be set up: {_without(key, error)}") from None
        if entry.provider == "anthropic":
            _own_client(model, own[0])
        elif entry.provider == "google_genai":
            _googles_client(model, arguments)
            own.append(model.client)
        yield model
    finally:
        for client in own:
            client.close()
        sockets.close()


def _without(key: str | None, error: Exception) -> str:
    """Give what an error says, without what its arguments were; pydantic shows them, cut anywhere."""
    from pydantic import ValidationError

    if isinstance(error, ValidationError):
        found = error.errors(include_url=False, include_input=False, include_context=False)
        said = "; ".join(
            " ".join(filter(None, [".".join(map(str, one["loc"])), one["msg"]])) for one in found
        )
    else:
        said = str(error)
    return said.replace(key, "…") if key else said


def _plain(entry: Entry, settings: dict[str, Any], own: list[Any]) -> dict[str, Any]:
    """Leave the client to the provider's package: a cancel then waits for the end of a call."""
    return {}


def _openai(entry: Entry, settings: dict[str, Any], own: list[Any]) -> dict[str, Any]:
    import openai

    own.append(openai.DefaultHttpxClient(**settings))
    return {
        "http_client": own[0],
        # Never used, but else one is taken that the whole process shares.
        "http_async_client": openai.DefaultAsyncHttpxClient(),
        # A variable may name one, which its package refuses beside a client.
        "openai_proxy": "",
        "max_retries": 0,
        "streaming": entry.streaming,
        "stream_usage": True,
        "max_tokens": entry.max_output,
    }


def _anthropic(entry: Entry, settings: dict[str, Any], own: list[Any]) -> dict[str, Any]:
    import anthropic

    own.append(anthropic.DefaultHttpxClient(**settings))
    return {"max_retries": 0, "streaming": entry.streaming, "max_tokens": entry.max_output}


def _own_client(model: Any, client: Any) -> None:
    """Put our HTTP client into Anthropic's: its package takes none, and caches one for the process."""
    import anthropic

    model.__dict__["_client"] = anthropic.Client(**{**model._client_params, "http_client": client})


def _googles_client(model: Any, arguments: dict[str, Any]) -> None:
    """Make the client once more: told that it is not Google's cloud, it asks no variable whether it is."""
    from google.genai import Client
    from google.genai.types import HttpOptions

    client_args = arguments["client_args"]
    options = HttpOptions(
        base_url=arguments["base_url"], client_args=client_args, async_client_args=client_args
    )
    model.client.close()
    model.client = Client(vertexai=False, api_key=arguments["api_key"], http_options=options)


def _ollama(entry: Entry, settings: dict[str, Any], own: list[Any]) -> dict[str, Any]:
    return {
        "sync_client_kwargs": settings,
        "num_predict": entry.max_output,
    }


def _google(entry: Entry, settings: dict[str, Any], own: list[Any]) -> dict[str, Any]:
    return {
        # Not where a variable of the process says that Google's cloud is meant: that is another provider.
        "vertexai": False,
        "client_args": settings,
        "timeout": entry.timeout,
        "max_retries": 1,
        "streaming": entry.streaming,
        "max_output_tokens": entry.max_output,
    }


def _settings(entry: Entry, key: str | None, sockets: Sockets) -> dict[str, Any]:
    """Give the settings of an HTTP client."""
    # What an administrator configures is meant, and whose account it is where the key is the provider's own.
    meant = {name.lower() for name in entry.options.get("default_headers") or ()}
    meant |= set(_ACCOUNT if entry.key == entry.provider else ())

    def keep_to_the_key(request: Any) -> None:
        """Take out what a package has read from variables that are meant for another host."""
        for name in {*_KEYS, *_ACCOUNT} - meant:
            if not key or key not in request.headers.get(name, ""):
                request.headers.pop(name, None)

    return {
        # Variables name proxies for what is elsewhere: what goes to this machine must not leave it for them.
        "trust_env": not entry.here,
        # To connect, to read, to write, to wait for a connection of the pool.
        "timeout": (_CONNECT, entry.timeout, entry.timeout, entry.timeout),
        "event_hooks": {"request": [sockets.follow, keep_to_the_key]},
    }


_SPECIAL: Final = {"openai": _openai, "anthropic": _anthropic, "ollama": _ollama, "google_genai": _google}
