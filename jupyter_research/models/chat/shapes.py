"""State the shapes that answers are asked for in, and read answers into them.

Heavy to import: for the session's thread only.
"""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, Final, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

S = TypeVar("S", bound="Shape")

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Sentence = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
_FENCE: Final = re.compile(r"^\s*```[a-z]*\n(.*?)\n?```\s*$", re.DOTALL)


def _names(value: Any) -> Any:
    """Take one id, ids in brackets or numbers for what they are meant to be."""
    given = re.split(r"[,;\s]+", value) if isinstance(value, str) else value
    if not isinstance(given, list):
        return given
    return [name for one in given if (name := str(one).strip("[]() "))]


Names = Annotated[list[str], BeforeValidator(_names)]


class Shape(BaseModel):
    """Be the form of an answer; what it has beyond that is left out."""

    model_config = ConfigDict(extra="ignore")


class Member(Shape):
    """Describe one analyst."""

    name: Line = Field(description="A name or short title for the perspective.")
    role: Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)] = Field(
        description="What the analyst does."
    )
    affiliation: Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)] = Field(
        description="Where the analyst works, or an empty text."
    )
    description: Sentence = Field(description="What the analyst looks for, in one or two sentences.")


class Team(Shape):
    """Propose analysts."""

    analysts: list[Member] = Field(min_length=1)


class Question(Shape):
    """Ask one question."""

    question: Line


class Query(Shape):
    """Give words to search documents for."""

    query: Line


class Cited(Shape):
    """State one thing, with the passages that it rests on."""

    text: Sentence = Field(description="One sentence.")
    passages: Names = Field(description="The ids of the passages that say so.")


class Claims(Shape):
    """Answer from passages; without any claim where they do not tell."""

    claims: list[Cited]


class Section(Shape):
    """Write a section."""

    heading: Line
    claims: list[Cited] = Field(min_length=1)


class Placed(Shape):
    """Place one section."""

    id: str
    heading: Line


class Body(Shape):
    """Order sections, and name the claims that repeat others."""

    sections: list[Placed]
    repeated: Names = Field(description="The ids of claims that only repeat another one.")


class Repaired(Shape):
    """Write one claim anew."""

    id: str
    text: Sentence


class Repairs(Shape):
    """Write claims anew, so that their passages say what they say."""

    claims: list[Repaired]


class Written(Shape):
    """Write one part of a whole report."""

    heading: Line
    claims: list[Cited]


class Report(Shape):
    """Write a whole report at once."""

    introduction: Written
    sections: list[Written] = Field(min_length=1)
    conclusion: Written


def schema_of(shape: type[Shape]) -> dict[str, Any]:
    """Give the JSON schema of a shape, without references: not every server follows them."""
    schema = shape.model_json_schema()
    definitions = schema.pop("$defs", {})
    resolved: dict[str, Any] = _resolved(schema, definitions)
    # The title is the name of the function or the format in what is sent.
    return {**resolved, "title": shape.__name__, "description": (shape.__doc__ or "").partition("\n")[0]}


def _resolved(part: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(part, list):
        return [_resolved(one, definitions) for one in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return _resolved(definitions[part["$ref"].rpartition("/")[2]], definitions)
    # Lengths are checked here; some providers refuse a schema that has them.
    dropped = ("minLength", "maxLength", "minItems", "title", "default")
    kept = {
        name: _resolved(value, definitions)
        for name, value in part.items()
        if name not in dropped or isinstance(value, dict)
    }
    return {**kept, "additionalProperties": False} if part.get("type") == "object" else kept


def _whole(data: Any) -> Any:
    """Give data whose texts can be stored: models write halves of characters, which no encoding has."""
    return json.loads(json.dumps(data, ensure_ascii=False).encode("utf-8", "replace"))


def read(text: str, shape: type[S]) -> S:
    """Read an answer.

    Raises:
        ValueError: with one sentence that the model can do something with.
    """
    if not text.strip():
        raise ValueError("The answer was empty.")
    fenced = _FENCE.match(text)
    inner = fenced[1] if fenced else text[max(text.find("{"), 0) : text.rfind("}") + 1 or None]
    try:
        data = _whole(json.loads(inner, strict=False))
    except (ValueError, RecursionError):
        raise ValueError("The answer was not valid JSON.") from None
    try:
        return shape.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "The answer"
        raise ValueError(f"{place}: {first['msg']}.") from None
