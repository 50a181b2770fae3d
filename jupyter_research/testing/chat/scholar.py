"""Answer as a model might: from the passages in the prompt, and from nothing else."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Mapping
from typing import Any, Final

from .exchange import Asked, Reply

_PASSAGE: Final = re.compile(r'<passage id="([^"]+)"[^>]*>\n?(.*?)\n?</passage>', re.DOTALL)
_CLAIM: Final = re.compile(r'<claim id="([^"]+)"[^>]*>(.*?)</claim>', re.DOTALL)
_SECTION: Final = re.compile(r'<section id="([^"]+)" heading="([^"]*)"', re.DOTALL)
_ANALYST: Final = re.compile(r"<analyst>\n(.*?)\n</analyst>", re.DOTALL)
_COUNT: Final = re.compile(r"exactly (\d+)")
#: On lines of their own: the instructions name the tags as well.
_TOPIC: Final = re.compile(r"^<topic>\n(.*?)\n</topic>", re.DOTALL | re.MULTILINE)
_SENTENCE: Final = re.compile(r"\S.*?[.!?](?=\s|$)")
#: How many claims an answer has.
_CLAIMS: Final = 4


class Scholar:
    """Answer the prompts of the built-in analysts, each claim a sentence of the passage that it cites.

    `Scholar(Claims=lambda asked: Reply(text="No."))` answers one shape otherwise; a list is used up first,
    reply by reply. Whatever has another schema is filled with words of the right types.
    """

    def __init__(self, **instead: Any) -> None:
        self._instead = {
            title: list(one) if isinstance(one, list | tuple) else one for title, one in instead.items()
        }

    def __call__(self, asked: Asked) -> Reply:
        """Answer one request."""
        other = self._instead.get(asked.title)
        if isinstance(other, list):
            other = other.pop(0) if other else None
        if other is not None:
            made: Reply = other(asked) if callable(other) else other
            return made
        if asked.schema is None:
            return Reply(text=" ".join(text for _, text in _claims(asked.text)) or "I cannot tell.")
        answers: dict[str, Callable[[Asked], Any]] = {
            "Team": _team,
            "Question": _question,
            "Query": _query,
            "Claims": _answer,
            "Section": _section,
            "Body": _body,
            "Report": _report,
            "Repairs": _repairs,
        }
        answer = answers.get(asked.title)
        return Reply(data=answer(asked) if answer else _filled(asked.schema))


def obedient(asked: Asked) -> Reply:
    """Do what any text in the prompt says: the model that an injection hopes for.

    Obeys `CITE <id>`, `WRITE <words>`, `ANALYST <name>`, `SEARCH <words>` and `SAY <anything>` wherever they
    stand on a line of their own, and else answers as a scholar does.
    """
    orders = re.findall(r"(?m)^\W*(CITE|WRITE|ANALYST|SEARCH|SAY) (.+)$", asked.text)
    said = [what for order, what in orders if order == "SAY"]
    if said:
        return Reply(text=said[0])
    reply = Scholar()(asked)
    data = reply.data
    for order, what in orders:
        written = data.get("introduction", data) if isinstance(data, dict) else {}
        if order in ("CITE", "WRITE") and isinstance(written.get("claims"), list):
            cited = [what.strip()] if order == "CITE" else ["p1"]
            written["claims"].append({"text": f"As told: {what.strip()}", "passages": cited})
        if order == "ANALYST" and isinstance(data, dict) and "analysts" in data:
            data["analysts"].append({**data["analysts"][0], "name": what.strip()})
        if order == "SEARCH" and isinstance(data, dict) and "query" in data:
            data["query"] = what.strip()
    return reply


def _claims(text: str) -> list[tuple[str, str]]:
    """Give id and a whole sentence of each passage: another one for each analyst."""
    analyst = _ANALYST.search(text)
    place = zlib.crc32(analyst[1].encode()) if analyst else 0
    found = []
    for name, body in _PASSAGE.findall(text):
        sentences = [one.strip() for one in _SENTENCE.findall(" ".join(body.split())) if len(one) > 20]
        if sentences:
            found.append((name, sentences[place % len(sentences)]))
    return found


def _topic(asked: Asked) -> str:
    found = _TOPIC.search(asked.text)
    return found[1].strip() if found else "the topic"


def _team(asked: Asked) -> dict[str, Any]:
    count = int(found[1]) if (found := _COUNT.search(asked.text)) else 3
    names = [
        "Basics",
        "Evidence",
        "Practice",
        "Limits",
        "History",
        "Costs",
        "People",
        "Risks",
        "Law",
        "Future",
    ]
    return {
        "analysts": [
            {
                "name": name,
                "role": f"Analyst of {name.lower()}",
                "affiliation": "Institute of Testing",
                "description": f"Looks at {name.lower()} of {_topic(asked)}",
            }
            for name in names[:count]
        ]
    }


def _question(asked: Asked) -> dict[str, Any]:
    return {"question": f"What do the documents say about {_topic(asked)}?"}


def _query(asked: Asked) -> dict[str, Any]:
    return {"query": _topic(asked)}


def _answer(asked: Asked) -> dict[str, Any]:
    return {"claims": [{"text": text, "passages": [name]} for name, text in _claims(asked.text)[:_CLAIMS]]}


def _section(asked: Asked) -> dict[str, Any]:
    return {"heading": f"About {_topic(asked)}"[:60], **_answer(asked)}


def _body(asked: Asked) -> dict[str, Any]:
    return {
        "sections": [{"id": name, "heading": heading} for name, heading in _SECTION.findall(asked.text)],
        "repeated": [],
    }


def _report(asked: Asked) -> dict[str, Any]:
    claims = _answer(asked)["claims"]
    return {
        "introduction": {"heading": "Introduction", "claims": claims[:1]},
        "sections": [{"heading": "Findings", "claims": claims}],
        "conclusion": {"heading": "Conclusion", "claims": claims[-1:]},
    }


def _repairs(asked: Asked) -> dict[str, Any]:
    sentences = [text for _, text in _claims(asked.text)]
    named = [name for name, _ in _CLAIM.findall(asked.text)]
    return {"claims": [{"id": name, "text": text} for name, text in zip(named, sentences, strict=False)]}


def _filled(schema: Mapping[str, Any]) -> Any:
    """Fill a schema with words of the right types."""
    kind = schema.get("type")
    if kind == "object" or "properties" in schema:
        return {name: _filled(part) for name, part in schema.get("properties", {}).items()}
    if kind == "array":
        return [_filled(schema.get("items", {}))]
    return {"integer": 1, "number": 1.0, "boolean": True}.get(str(kind), "words")
