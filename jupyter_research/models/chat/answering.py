"""Find out whether a provider answers, without paying for a word."""

from __future__ import annotations

from typing import Final

from .entry import Entry

#: Seconds to wait.
_PATIENCE: Final = 5.0
#: Where each protocol lists its models.
_LISTS: Final = {
    "ollama": "/api/tags",
    "anthropic": "/v1/models?limit=1000",
    "google_genai": "/v1beta/models?pageSize=1000",
}


def answers(entry: Entry, key: str | None) -> str:
    """Say in a few words whether a provider answers, knows the key and has the model."""
    import httpx

    if entry.url is None:
        return "is not asked: this provider has no list of models that is known here"
    try:
        with httpx.Client(timeout=_PATIENCE, follow_redirects=False, trust_env=not entry.here) as client:
            given = client.get(
                entry.url.rstrip("/") + _LISTS.get(entry.provider, "/models"),
                headers=_headers(entry.provider, key) if key else {},
            )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return f"gives no answer ({type(error).__name__})"
    if given.status_code in (401, 403) or "API_KEY_INVALID" in given.text:
        return "answers, and does not take the key"
    if given.status_code != 200:
        return f"answers with status {given.status_code}"
    return "answers" if entry.model in given.text else "answers, and does not list this model"


def _headers(provider: str, key: str) -> dict[str, str]:
    """Give the headers in which each protocol takes a key."""
    if provider == "anthropic":
        return {"x-api-key": key, "anthropic-version": "2023-06-01"}
    if provider == "google_genai":
        return {"x-goog-api-key": key}
    return {"Authorization": f"Bearer {key}"}
