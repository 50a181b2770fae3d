"""Hold a few articles about tide mills that never were, for the services of `web` to find."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """Hold one article; every service shows it in its own way."""

    number: int
    title: str
    abstract: str
    authors: tuple[tuple[str, str], ...] = (("Reed", "Anna"), ("Marsh", "Tom"))
    year: int = 2021
    retracted: bool = False

    @property
    def doi(self) -> str:
        """Give its DOI, of the prefix that is reserved for examples."""
        return f"10.5555/mill.{self.number}"


ARTICLES: Final = (
    Article(
        number=1,
        title="Tide mill",
        abstract=(
            "A tide mill is a water mill that is driven by the rise and fall of the tide. "
            "The mill pond fills through a sluice gate while the tide comes in. "
            "The stored water leaves the pond when the tide falls and turns the wheel of the mill."
        ),
    ),
    Article(
        number=2,
        title="How long tide mills worked on each tide",
        abstract=(
            "We measured 14 tide mills and found that the wheel of a tide mill turned for 5.2 hours on each "
            "tide. However, the wheel of the tide mill stopped at high water in every case. "
            "It is unknown whether a second wheel would have turned for longer."
        ),
        year=2019,
    ),
    Article(
        number=3,
        title="Tide mills that never stop",
        abstract=(
            "The tide mill of this study kept its wheel turning for 24 hours without a pause. "
            "No other tide mill was found to keep its wheel turning at high water."
        ),
        authors=(("Quick", "Paul"),),
        year=2012,
        retracted=True,
    ),
)


def found(query: str, most: int) -> list[Article]:
    """Give the articles that share a word with a query, as a service's search would."""
    words = {word.strip('"():').casefold() for word in query.replace('"', " ").split()} - {"or", "and"}
    texts = ((one, f"{one.title} {one.abstract}".casefold().split()) for one in ARTICLES)
    return [one for one, text in texts if words & set(text)][:most]
