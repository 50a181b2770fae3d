"""Be a chat model on a local port: real HTTP, real protocols, answers that a test decides.

Speaks OpenAI chat completions (`url + "/v1"`), Anthropic messages, Google's generateContent and Ollama chat
(`url`), streamed or not.
`python -m jupyter_research.testing.chat` runs one to try things out with: it needs no key and no network.
"""

from __future__ import annotations

from .exchange import Answer, Asked, Reply
from .scholar import Scholar, obedient
from .server import ChatServer

__all__ = ["Answer", "Asked", "ChatServer", "Reply", "Scholar", "obedient"]
