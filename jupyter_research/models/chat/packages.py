"""Tell whether what a provider needs is installed, and how to install it."""

from __future__ import annotations

import shlex
import sys
from importlib.util import find_spec
from typing import Final

from ...errors import NoPackage, UnknownName

#: The packages that have an extra of ours, by provider.
EXTRAS: Final = {"openai": "openai", "anthropic": "anthropic", "google_genai": "google", "ollama": "ollama"}
_ELSEWHERE: Final = {
    "azure_openai": "langchain_openai",
    "google_vertexai": "langchain_google_vertexai",
    "bedrock": "langchain_aws",
    "bedrock_converse": "langchain_aws",
}
#: What `init_chat_model` can set up with a package that is called after the provider, or one of those above.
_KNOWN: Final = frozenset(
    {
        *EXTRAS, *_ELSEWHERE, "cohere", "deepseek", "fireworks", "groq", "huggingface", "ibm", "mistralai",
        "nvidia", "openrouter", "perplexity", "together", "upstage", "xai",
    }
)  # fmt: skip


def need_package(provider: str) -> None:
    """Make sure that a provider's package is there; imports nothing.

    Raises:
        NoPackage: with the command that installs it.
        UnknownName: for a provider that nobody knows.
    """
    module = _ELSEWHERE.get(provider, f"langchain_{provider}")
    found = find_spec(module) is not None
    if found and find_spec("langchain") is not None:
        return
    if not found and provider not in _KNOWN:
        raise UnknownName(f"There is no provider {provider!r}: choose among {', '.join(sorted(_KNOWN))}.")
    raise NoPackage(
        f"The provider {provider} needs a package that this server does not have: run `{install(provider)}`, "
        "then start the session again."
    )


def install(provider: str) -> str:
    """Give the command that installs what a provider needs, with this interpreter."""
    extra = EXTRAS.get(provider)
    module = _ELSEWHERE.get(provider, f"langchain_{provider}").replace("_", "-")
    what = f'"jupyter_research[{extra}]"' if extra else f"langchain {module}"
    return f"{shlex.quote(sys.executable)} -m pip install {what}"
