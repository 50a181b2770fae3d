"""Be the server extension: configuration in, handlers out, a runtime in between when it is first needed."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from jupyter_core.paths import jupyter_config_dir, jupyter_data_dir
from jupyter_server._tz import utcnow
from jupyter_server.extension.application import ExtensionApp, JupyterServerExtensionException
from tornado.ioloop import PeriodicCallback
from traitlets import (
    Bool,
    Callable,
    Dict,
    Enum,
    Integer,
    List,
    TraitError,
    Unicode,
    default,
    validate,
)

from .access import Access
from .handlers import ROUTES, SWITCHED_OFF
from .metrics import metrics

if TYPE_CHECKING:
    from .runtime import Runtime, Settings

#: Seconds between two signs of life while sessions work; a culler looks every few minutes.
_SIGN_OF_LIFE = 5.0


class ResearchApp(ExtensionApp):
    """Run research sessions in this Jupyter server."""

    name = "jupyter_research"
    description = "Run research sessions from notebooks, with live progress and cited reports."

    enabled = Bool(True, help="Whether research is offered on this server at all.").tag(config=True)
    researchers = Dict(
        value_trait=Unicode(),
        key_trait=Unicode(),
        help='Researchers of your own, {"name": "module:function"}, beside the built-in "analysts".',
    ).tag(config=True)
    libraries = Dict(
        value_trait=Unicode(),
        key_trait=Unicode(),
        help='Folders that sessions may read by name, {"name": "/path"}, also outside the root folder.',
    ).tag(config=True)
    models = Dict(
        key_trait=Unicode(),
        help='Chat models with names and settings of their own, {"name": "provider:model"} or {"name": '
        '{"model": "provider:model", "base_url": …}}, beside any `provider:model` that is installed.',
    ).tag(config=True)
    allowed_models = List(
        Unicode(),
        allow_none=True,
        default_value=None,
        help='The chat models that sessions may use, by name, such as ["house", "ollama:qwen3"]; None for '
        "all, an empty list for none. The extractive one may always be used.",
    ).tag(config=True)
    default_model = Unicode(
        help="The model of those who choose none; empty for the built-in extractive one, which needs no key."
    ).tag(config=True)
    model_budget = Dict(
        key_trait=Enum(("money", "tokens", "seconds", "calls")),
        help='Caps on every session with a chat model, some of {"money", "tokens", "seconds", "calls"}; a '
        "session may ask for less.",
    ).tag(config=True)
    model_keys = Callable(
        None,
        allow_none=True,
        help="A function (provider, owner) that gives the key of a provider, or None to look further: in the "
        "file of `jupyter research keys`, then in the server's environment.",
    ).tag(config=True)
    data_dir = Unicode(
        help="The folder that sessions are stored in; put it on a local disk where homes are on a network.",
    ).tag(config=True)
    max_working_sessions = Integer(8, min=1, help="How many sessions work at once; the rest queue.").tag(
        config=True
    )
    max_working_per_owner = Integer(
        0, min=0, help="How many sessions of one person work at once; 0 for no limit of its own."
    ).tag(config=True)
    max_queued_sessions = Integer(
        1000, min=0, help="How many sessions may wait for their turn; beyond that a start is answered 429."
    ).tag(config=True)
    max_sockets_per_owner = Integer(
        100,
        min=1,
        help="How many pages of one person may be connected; beyond that the upgrade is answered 429.",
    ).tag(config=True)
    max_events = Integer(
        100_000,
        min=1,
        help="How many events one session may log; updates beyond that are not logged, and its report says "
        "how many these were.",
    ).tag(config=True)
    max_session_seconds = Integer(
        0,
        min=0,
        help="How many seconds one session may work in all; 0 for no limit. The built-in analysts end with "
        "the report that they have by then, a function of yours is completed without one.",
    ).tag(config=True)
    max_bytes_per_owner = Integer(
        0,
        min=0,
        help="How many bytes all sessions of one person may take; beyond that a start is answered 429. "
        "0 for no limit.",
    ).tag(config=True)
    keep_days = Integer(
        0,
        min=0,
        help="After how many days without an event a session is removed that is finished or interrupted; "
        "0 keeps all.",
    ).tag(config=True)
    keep_sessions = Integer(
        0,
        min=0,
        help="How many sessions of one person are kept: the oldest finished ones are removed first, those "
        "that wait for a person never; 0 keeps all.",
    ).tag(config=True)
    online_sources = List(
        Unicode(),
        allow_none=True,
        default_value=None,
        help='The online sources that sessions may name, such as ["wikipedia", "arxiv"], "web" for the pages '
        "that a session names itself; None for all, an empty list for none.",
    ).tag(config=True)
    source_addresses = Dict(
        value_trait=Unicode(),
        key_trait=Unicode(),
        help='Other addresses for online sources, {"name": "https://…"}: mirrors, a SearXNG of your own.',
    ).tag(config=True)
    private_hosts = List(
        Unicode(),
        help='Hosts, "name" or "name:port", that sessions may fetch from though they are not on the public '
        "internet: mirrors and services of your own.",
    ).tag(config=True)
    online_proxy = Unicode(
        help='The proxy by which online sources are asked: "environment" for the one that the variables '
        "HTTP_PROXY, HTTPS_PROXY and NO_PROXY name, an address such as http://proxy.example.org:3128, or "
        "empty for none. A proxy looks names up itself, so that less can be checked here.",
    ).tag(config=True)
    contact = Unicode(
        help="Whom online services may write to about what this server asks them: an address of mail or the "
        "web, sent in the User-Agent.",
    ).tag(config=True)
    local_only = Bool(
        False, help="Whether nothing may leave this machine: no online source, no model of a remote provider."
    ).tag(config=True)
    local_addresses = List(
        Unicode(),
        help='What a local-only session may connect to: "host", "host:port" such as "127.0.0.1:11434" of an '
        "Ollama, or the path of a socket file.",
    ).tag(config=True)
    local_only_isolation = Enum(
        ["guard", "process"],
        "guard",
        help="What keeps a local-only session from the network: a guard at the level of Python, or also a "
        "process of its own, which has no network where the platform allows that.",
    ).tag(config=True)
    auto_resume = Bool(
        False, help="Whether sessions that a stop of the server interrupted go on when it starts again."
    ).tag(config=True)
    carry_context = Bool(
        True,
        help="Whether threads and pools started by a session's code know their session by themselves; "
        "puts small hooks into threading and concurrent.futures while sessions exist.",
    ).tag(config=True)

    capture_output = Bool(
        False, help="Whether what a session's code prints and logs becomes status updates of the session."
    ).tag(config=True)

    @validate("online_proxy")
    def _check_proxy(self, proposal: Any) -> str:
        value = str(proposal["value"]).strip()
        if value not in ("", "environment") and not value.startswith(("http://", "https://")):
            raise TraitError(
                f'online_proxy is {value!r}: give "environment", an address that begins with http:// or '
                "https://, or nothing."
            )
        return value

    @default("data_dir")
    def _default_data_dir(self) -> str:
        # Named servers of one user share a home, and a server may be named "..".
        name = quote(os.environ.get("JUPYTERHUB_SERVER_NAME") or "default", safe="").replace(".", "%2E")
        return str(Path(jupyter_data_dir(), "research", name))

    access: Access | None = None
    _clock: PeriodicCallback | None = None
    _sigint: Any = None

    def initialize_settings(self) -> None:
        """Prepare what handlers share; opens nothing.

        Raises:
            JupyterServerExtensionException: when a setting is wrong; the server would serve us with none of
                them, `local_only` among those.
        """
        if not self._linked:
            raise JupyterServerExtensionException(
                "Research is not served: a setting is wrong, the warning about linking it says which."
            )
        self.access = Access(
            self._build,
            server_user=os.environ.get("JUPYTERHUB_USER"),
            max_sockets_per_owner=self.max_sockets_per_owner,
        )

    def initialize_handlers(self) -> None:
        """Put the routes in place; switched off, tell pages to show nothing."""
        prepared = {"access": self.access}
        routes = ROUTES if self.enabled else SWITCHED_OFF
        self.handlers.extend((f"research/api{path}", handler, prepared) for path, handler in routes)
        if not self.enabled:
            assert self.serverapp is not None
            page_config = self.serverapp.web_app.settings.setdefault("page_config_data", {})
            page_config["jupyterResearch"] = "off"

    async def _start_jupyter_server_extension(self, serverapp: Any) -> None:
        """Begin to tell of life; with `auto_resume` open at once, since nobody may come to ask."""
        if not self.enabled:
            return
        self._clock = PeriodicCallback(self.tell_of_life, _SIGN_OF_LIFE * 1000)
        self._clock.start()
        self._stop_on_sigint()
        if self.auto_resume and self.access is not None:
            await self.access.runtime()

    def current_activity(self) -> bool:
        """Tell the server whether sessions work, so that it does not shut itself down."""
        runtime = self.access.opened if self.access is not None else None
        return runtime is not None and runtime.working()

    def tell_of_life(self) -> None:
        """Renew the time of the last activity while sessions work; a Hub's culler reads only that."""
        if self.current_activity():
            # The application's settings and not ours: those were copied at the start.
            assert self.serverapp is not None
            self.serverapp.web_app.settings["last_activity_times"][self.name] = utcnow()

    async def stop_extension(self) -> None:
        """Close sockets and runtime; what works is interrupted and can be resumed."""
        if self._clock is not None:
            self._clock.stop()
        if self._sigint is not None:
            signal.signal(signal.SIGINT, self._sigint)
            self._sigint = None
        if self.access is not None:
            if self.access.opened is not None:
                metrics.forget(self.access.opened)
            await self.access.close()

    def _stop_on_sigint(self) -> None:
        """Take SIGINT for SIGTERM where nobody else handles it.

        A Hub's spawner stops a server by SIGINT; Python's default would end the process without
        `stop_extension`, and sessions would look as if they had crashed. At a terminal the handler is the
        server's own question, and where SIGTERM is not the server's, this process belongs to somebody else.
        """
        server_stop = getattr(self.serverapp, "_signal_stop", None)
        ours = server_stop is not None and signal.getsignal(signal.SIGTERM) == server_stop
        if ours and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            self._sigint = signal.signal(signal.SIGINT, server_stop)

    def _build(self) -> Runtime:
        from .runtime import Runtime

        runtime = Runtime(self._settings())
        metrics.watch(runtime)
        return runtime

    def _settings(self) -> Settings:
        from .runtime import OnlineSettings, Proxies, Settings

        assert self.serverapp is not None
        return Settings(
            data_dir=Path(self.data_dir).expanduser(),
            root=Path(self.serverapp.root_dir).expanduser().resolve(),
            libraries=_folders(self.libraries),
            researchers=dict(self.researchers),
            models=dict(self.models),
            allowed_models=None if self.allowed_models is None else frozenset(self.allowed_models),
            default_model=self.default_model,
            model_budget=dict(self.model_budget),
            model_keys=self.model_keys,
            keys_file=Path(jupyter_config_dir(), "jupyter_research", "keys.json"),
            environment=os.environ,
            max_working_sessions=self.max_working_sessions,
            max_working_per_owner=self.max_working_per_owner,
            max_queued_sessions=self.max_queued_sessions,
            max_sockets_per_owner=self.max_sockets_per_owner,
            max_events=self.max_events,
            max_session_seconds=self.max_session_seconds,
            max_bytes_per_owner=self.max_bytes_per_owner,
            keep_days=self.keep_days,
            keep_sessions=self.keep_sessions,
            online=OnlineSettings(
                allowed=None if self.online_sources is None else frozenset(self.online_sources),
                addresses=dict(self.source_addresses),
                private_hosts=frozenset(self.private_hosts),
                proxies=Proxies.said(self.online_proxy, os.environ),
                contact=self.contact,
            ),
            local_only=self.local_only,
            local_addresses=tuple(self.local_addresses),
            local_only_isolation=self.local_only_isolation,
            auto_resume=self.auto_resume,
            adopt=True,
            carry_context=self.carry_context,
            capture_output=self.capture_output,
        )


def _folders(libraries: Mapping[str, str]) -> dict[str, Path]:
    return {name: Path(path).expanduser().resolve() for name, path in libraries.items()}
