"""Ask a model for an answer of a certain shape, once more with the error where it is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from .calls import Calls, Message, Said
from .shapes import Shape, read, schema_of

S = TypeVar("S", bound=Shape)

#: How much of an answer that could not be used the model is shown again.
_SHOWN = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard(Generic[S]):
    """Hold what came of asking."""

    #: None where neither answer could be read.
    value: S | None
    #: What is wrong with it, None where nothing is.
    error: str | None
    refused: bool = False


class Talk:
    """Ask for shapes."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def ask(
        self, system: str, prompt: str, shape: type[S], wrong: Callable[[S], str | None] = lambda value: None
    ) -> Heard[S]:
        """Ask, and once more where the answer cannot be used.

        Args:
            system: who the model is to be.
            prompt: what it is asked.
            shape: the form of the answer.
            wrong: says what else is wrong with an answer of the right form.

        Raises:
            BudgetSpent: when a call does not fit into the budget any more.
            ModelFailed: when the provider does not answer.
        """
        schema = schema_of(shape)
        messages: list[Message] = [("system", system), ("human", prompt)]
        first = self._calls.complete(messages, schema)
        heard = _heard(first, shape, wrong)
        if heard.error is None:
            return heard
        again = f"That could not be used. {heard.error} Answer again, as JSON of the form that was asked for."
        messages += [("ai", first.text[:_SHOWN] or "…"), ("human", again)]
        second = _heard(self._calls.complete(messages, schema), shape, wrong)
        # The first may have been of the right form with too many analysts, the second prose.
        return second if second.value is not None or heard.value is None else heard


def _heard(said: Said, shape: type[S], wrong: Callable[[S], str | None]) -> Heard[S]:
    if said.refused:
        return Heard(value=None, error="The model refused to answer.", refused=True)
    try:
        value = read(said.text, shape)
    except ValueError as error:
        cut = " The answer was longer than allowed: be brief." if said.cut else ""
        return Heard(value=None, error=f"{error}{cut}")
    return Heard(value=value, error=wrong(value))
