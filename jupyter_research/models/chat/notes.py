"""Say in a report what its model did that a reader has to know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

#: What the report says of each kind of note, after the number.
_NOTES: Final = {
    "unknown": (
        "citation named a passage that does not exist and was removed",
        "citations named passages that do not exist and were removed",
    ),
    "unusable": (
        "answer of the model could not be used, also when it was asked again; what stands in its place was "
        "put together without it",
        "answers of the model could not be used, also when it was asked again; what stands in their place "
        "was put together without it",
    ),
    "refused": ("request was refused by the model", "requests were refused by the model"),
    "repeated": (
        "claim was left out because the model says that it only repeats another",
        "claims were left out because the model says that they only repeat others",
    ),
    "doubles": (
        "claim was left out because another section says the same in the same words",
        "claims were left out because other sections say the same in the same words",
    ),
    "surplus": (
        "analyst beyond the number asked for was left out",
        "analysts beyond the number asked for were left out",
    ),
}


def sentences(model: str, notes: Mapping[str, int]) -> Iterator[str]:
    """Give a sentence for each kind of note, most of them with its number."""
    yield (
        f"The language model {model} wrote this. Code has compared each statement with what it cites: its "
        "numbers, names and negations, not its sense."
    )
    for kind, (one, many) in _NOTES.items():
        if number := notes.get(kind):
            yield f"{number} {one if number == 1 else many}."
    if notes.get("budget"):
        yield "The budget was used up before all was written: the report is partial."
