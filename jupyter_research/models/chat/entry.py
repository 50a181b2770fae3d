"""Say which chat model a name means, where it is reached, and what it needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from ...errors import InvalidRequest

#: What a provider is called in `init_chat_model`, where people call it otherwise.
_CALLED: Final = {"google": "google_genai", "gemini": "google_genai", "mistral": "mistralai"}
#: Where a provider is reached when nothing else is configured.
_OWN: Final = {
    "openai": "https://api.openai.com/v1",
    "anthropic": "https://api.anthropic.com",
    "google_genai": "https://generativelanguage.googleapis.com",
    "mistralai": "https://api.mistral.ai/v1",
    "groq": "https://api.groq.com/openai/v1",
    "deepseek": "https://api.deepseek.com",
    "ollama": "http://127.0.0.1:11434",
}
#: Variables beside `<PROVIDER>_BASE_URL` by which clients of a provider are sent elsewhere.
_SENT: Final = {
    "openai": ("OPENAI_API_BASE",),
    "anthropic": ("ANTHROPIC_API_URL",),
    "google_genai": ("GOOGLE_GEMINI_BASE_URL",),
}
#: Where models run that an Ollama only passes texts on to.
_CLOUD: Final = "ollama.com"
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
_FIELDS: Final = (
    "model", "base_url", "key", "method", "streaming", "options", "concurrency", "requests_per_minute",
    "tokens_per_minute", "max_output", "timeout", "price",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Describe a chat model that can be chosen; holds no key, so that it may be shown."""

    #: The name by which it is chosen.
    name: str
    provider: str
    model: str
    #: None for the provider's own address.
    base_url: str | None = None
    #: Whose key is sent; None for no key.
    key: str | None = None
    #: How an answer's shape is asked for, as `with_structured_output` knows it; None for the provider's way.
    method: str | None = None
    streaming: bool = False
    #: More arguments for the model's class, such as `temperature`.
    options: Mapping[str, Any] = field(default_factory=dict)
    #: How many calls may be under way at once, in the whole server.
    concurrency: int = 4
    #: 0 for no limit of ours.
    requests_per_minute: int = 0
    tokens_per_minute: int = 0
    #: How many tokens one answer may have.
    max_output: int = 4096
    #: Seconds without a byte after which a call has failed.
    timeout: float = 180.0
    #: What a million tokens cost in US dollars, `{"input", "output"}`, where the price list is not right.
    price: Mapping[str, float] = field(default_factory=dict)

    @property
    def url(self) -> str | None:
        """Give the address at which it is reached, None where only the provider's package knows."""
        return self.base_url or _OWN.get(self.provider)

    @property
    def host(self) -> str:
        """Name the host that topics and passages are sent to."""
        if self._passed_on:
            return _CLOUD
        return urlsplit(self.url).netloc.rpartition("@")[2] if self.url else self.provider

    @property
    def address(self) -> str:
        """Give host and port."""
        parts = urlsplit(self.url or f"https://{self.provider}")
        return f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"

    @property
    def here(self) -> bool:
        """Tell whether it is reached on this machine."""
        return (urlsplit(self.url or "").hostname or "") in _LOOPBACK

    @property
    def local(self) -> bool:
        """Tell whether it runs on this machine, as far as its address and its name tell."""
        return self.here and not self._passed_on

    @property
    def _passed_on(self) -> bool:
        """Tell whether an Ollama here sends what it gets to its makers: such models are named so."""
        tag = self.model.rpartition(":")[2].lower()
        return self.provider == "ollama" and (tag == "cloud" or tag.endswith("-cloud"))

    @property
    def gate(self) -> tuple[str, str]:
        """Name the provider whose limits are shared by those who use one key."""
        return self.provider, self.host


def entry(name: str, configured: Mapping[str, Any], environment: Mapping[str, str]) -> Entry | None:
    """Give the chat model that `name` means: configured, else `provider:model`; None for neither.

    Args:
        name: as a person typed it.
        configured: the trait `models`.
        environment: the server's variables; `OPENAI_BASE_URL` and its like say where a provider is reached.

    Raises:
        InvalidRequest: for a configuration that cannot be.
    """
    given = configured.get(name)
    if given is None:
        return _read(name, {"model": name}, environment) if _is_pair(name) else None
    fields = {"model": given} if isinstance(given, str) else given
    if not isinstance(fields, Mapping) or not _is_pair(fields.get("model")):
        raise InvalidRequest(f'The configured model {name!r} needs "model": "provider:name".')
    return _read(name, fields, environment)


def _is_pair(text: Any) -> bool:
    provider, colon, model = text.partition(":") if isinstance(text, str) else ("", "", "")
    return bool(colon and model.strip() and provider.replace("_", "").isalnum())


def _read(name: str, fields: Mapping[str, Any], environment: Mapping[str, str]) -> Entry:
    unknown = sorted(set(fields) - set(_FIELDS))
    if unknown:
        raise InvalidRequest(
            f"The configured model {name!r} has an unknown field {unknown[0]!r}: "
            f"{', '.join(_FIELDS)} are known."
        )
    provider, _, model = str(fields["model"]).partition(":")
    provider = _CALLED.get(provider.lower(), provider.lower())
    own = fields.get("base_url")
    # A key of the provider goes to the provider, or to where the server's own variables send it: an address
    # of the configuration gets the key that is named there, and no other.
    key = fields.get("key") if own else fields.get("key", _own_key(provider))
    more = {field: fields[field] for field in _FIELDS[3:] if field in fields}
    return Entry(
        name=name,
        provider=provider,
        model=model.strip(),
        base_url=own or _elsewhere(provider, environment),
        key=key,
        **more,
    )


def _own_key(provider: str) -> str | None:
    return None if provider == "ollama" else provider


def _elsewhere(provider: str, environment: Mapping[str, str]) -> str | None:
    """Give the address that the server's variables name for a provider."""
    for variable in (f"{provider.upper()}_BASE_URL", *_SENT.get(provider, ())):
        if found := environment.get(variable, "").strip():
            return found
    return _ollama(environment.get("OLLAMA_HOST", "").strip()) if provider == "ollama" else None


def _ollama(host: str) -> str | None:
    """Read `OLLAMA_HOST` as Ollama does: scheme and port may be missing, and 0.0.0.0 is where it listens."""
    if not host:
        return None
    try:
        parts = urlsplit(host if "://" in host else f"http://{host}")
        named = parts.port
    except ValueError:
        raise InvalidRequest(f"OLLAMA_HOST is {host!r}, which is no address: set it again.") from None
    name = "127.0.0.1" if parts.hostname in (None, "0.0.0.0", "::") else parts.hostname
    port = named or (11434 if "://" not in host else 443 if parts.scheme == "https" else 80)
    return f"{parts.scheme}://{f'[{name}]' if ':' in str(name) else name}:{port}{parts.path}"
