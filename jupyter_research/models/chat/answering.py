"""Find out whether a provider answers, without paying for a word."""

from __future__ import annotations

from typing import Final

from .entry import Entry

#: Seconds to wait.
_PATIENCE: Final = 5.0
#: Where each protocol lists its models, and how it takes a key.
_LISTS: Final = {"ollama": "/api/tags", "anthropic": "/v1/models"}
_OWN: Final = {
    "openai": "https://api.openai.com/v1",
    "anthropic": "https://api.anthropic.com",
    "ollama": "http://127.0.0.1:11434",
    "mistralai": "https://api.mistral.ai/v1",
    "groq": "https://api.groq.com/openai/v1",
    "deepseek": "https://api.deepseek.com",
}


def answers(entry: Entry, key: str | None) -> str:
    """Say in a few words whether a provider answers, knows the key and has the model."""
    import httpx

    base = entry.base_url or _OWN.get(entry.provider)
    if base is None:
        return "not asked: this provider has no list of models that is known here"
    headers = {"x-api-key": key, "anthropic-version": "2023-06-01"} if entry.provider == "anthropic" else {}
    if key and not headers:
        headers = {"Authorization": f"Bearer {key}"}
    try:
        with httpx.Client(timeout=_PATIENCE, follow_redirects=False) as client:
            given = client.get(
                base.rstrip("/") + _LISTS.get(entry.provider, "/models"),
                headers={name: value for name, value in headers.items() if value},
            )
    except httpx.HTTPError as error:
        return f"no answer: {type(error).__name__}"
    if given.status_code in (401, 403):
        return "answers, and does not take the key"
    if given.status_code != 200:
        return f"answers with status {given.status_code}"
    return "answers" if entry.model in given.text else "answers, and does not list this model"
