"""Make single calls of a model: paid once, within the budget, at the provider's pace, again after faults."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from ...context import send_status_update
from ...errors import BudgetSpent, ModelFailed, ResearchError
from ...ledger import Ledger
from ...work import Control
from .entry import Entry
from .faults import Fault, Truncated, fault_of
from .gate import Gate
from .prices import Price

Message = tuple[str, str]

#: How often one call is tried, and the longest wait between two tries, in seconds.
TRIES: Final = 6
_LONGEST: Final = 60.0
#: A provider that asks for more is not waited for: the session can be resumed.
_PATIENCE: Final = 300.0
#: Bytes of a prompt for each token, counted low so that a budget holds: English has about four.
_BYTES: Final = 3
#: How providers call an answer that was not given.
_REFUSALS: Final = frozenset(
    {"refusal", "content_filter", "SAFETY", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII", "RECITATION"}
)
#: Tokens of a request beside its words.
_OVERHEAD: Final = 60


class Purse(Protocol):
    """Keep a session within its budget."""

    def reserve(self, taken: int, most: int) -> Any:
        """Give a context that holds room for a call, and yields how many tokens it may give."""

    def seconds_left(self) -> float | None:
        """Give the seconds that are left, None without such a limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Hold one answer."""

    text: str
    refused: bool = False
    #: Whether it ends because it reached its cap.
    cut: bool = False


class Calls:
    """Call one model for one session. Thread-safe."""

    def __init__(
        self,
        entry: Entry,
        chat: Any,
        *,
        ledger: Ledger,
        purse: Purse,
        gate: Gate,
        owner: str,
        price: Price | None,
        control: Control,
        key: str | None = None,
    ) -> None:
        self._key = key
        self._entry = entry
        self._chat = chat
        self._ledger = ledger
        self._purse = purse
        self._gate = gate
        self._owner = owner
        self._price = price
        self._control = control

    def complete(self, messages: Sequence[Message], schema: Mapping[str, Any]) -> Said:
        """Give the answer to a request, from the ledger where it is known.

        Raises:
            BudgetSpent: when the call does not fit into the budget any more.
            ModelFailed: when the provider does not answer.
            SessionCancelled: when the session was cancelled meanwhile.
            Halted: when it was asked to stop while the call waited to be made.
        """
        request = {"model": self._entry.name, "messages": messages, "schema": schema}
        # What is reserved is given back when the answer is recorded: between the two it would count nowhere.
        with ExitStack() as held:
            answer = self._ledger.call(
                "chat",
                request,
                lambda: self._tried(messages, schema, held),
                usage=lambda answer: answer["usage"],
            )
        return Said(text=answer["text"], refused=answer["refused"], cut=answer["cut"])

    def _tried(
        self, messages: Sequence[Message], schema: Mapping[str, Any], held: ExitStack
    ) -> dict[str, Any]:
        """Call until there is an answer, with longer and longer waits."""
        from tenacity import Retrying, retry_if_exception, stop_after_attempt

        tries = Retrying(
            retry=retry_if_exception(lambda error: not self._control.cancelled.is_set() and _again(error)),
            wait=self._pause,
            stop=stop_after_attempt(TRIES),
            sleep=self._sleep,
            reraise=True,
        )
        try:
            answer: dict[str, Any] = tries(self._once, messages, schema, held)
            return answer
        except Exception as error:
            if self._control.cancelled.is_set():
                self._control.stop_here()
            if isinstance(error, ResearchError):
                raise
            fault = self._fault(error)
            # The provider's sentence, never its traceback: headers with the key hang on some exceptions.
            raise ModelFailed(f"{self._entry.name}: {fault.reason}.{_what_now(fault)}") from None

    def _once(
        self, messages: Sequence[Message], schema: Mapping[str, Any], held: ExitStack
    ) -> dict[str, Any]:
        taken = tokens_of(messages, schema)
        self._control.stop_here()
        with ExitStack() as own:
            most = own.enter_context(self._purse.reserve(taken, self._entry.max_output))
            with self._through(taken + most):
                self._control.stop_here()
                if self._late():
                    raise BudgetSpent("The budget of time was used up.")
                try:
                    answer = self._invoked(messages, schema, most, taken)
                except Exception as error:
                    if fault_of(error).begun:
                        # The provider may have written it all: what it may charge counts.
                        self._ledger.spend(self._usage(taken, most // 4))
                    raise
            held.push(own.pop_all())
        return answer

    def _through(self, tokens: int) -> AbstractContextManager[None]:
        """Wait for a turn at the provider."""
        return self._gate.through(
            self._owner,
            tokens,
            concurrency=self._entry.concurrency,
            requests=self._entry.requests_per_minute,
            per_minute=self._entry.tokens_per_minute,
            stopped=lambda: self._control.stopping or self._late(),
            tell=_tell,
        )

    def _invoked(
        self, messages: Sequence[Message], schema: Mapping[str, Any], most: int, taken: int
    ) -> dict[str, Any]:
        from langsmith import tracing_context

        chat = _capped(self._chat, most) if most < self._entry.max_output else self._chat
        method = {"method": self._entry.method} if self._entry.method else {}
        runnable = chat.with_structured_output(dict(schema), include_raw=True, **method)
        # Tracing that somebody's environment turns on would send the prompts to a third party.
        with tracing_context(enabled=False):
            try:
                raw = runnable.invoke(list(messages))["raw"]
            except (UnicodeError, RecursionError) as error:
                if isinstance(error, UnicodeEncodeError) and error.encoding == "ascii":
                    # Nothing was sent: bodies are UTF-8, and headers alone are not.
                    raise ModelFailed(
                        f"{self._entry.name}: its key, or a header that is configured, holds a sign that no "
                        "header takes: set it again."
                    ) from None
                # The provider has answered, with something that its own package cannot take: no answer.
                usage = self._usage(taken, most // 4)
                return {"text": "", "refused": False, "cut": False, "usage": usage}
            except Exception as error:
                cut = getattr(error, "completion", None)
                if type(error).__name__ != "LengthFinishReasonError":
                    raise
                used = getattr(cut, "usage", None)
                usage = self._usage(
                    getattr(used, "prompt_tokens", taken), getattr(used, "completion_tokens", most)
                )
                return {"text": "", "refused": False, "cut": True, "usage": usage}
        return self._answer(raw, taken)

    def _answer(self, raw: Any, taken: int) -> dict[str, Any]:
        finish = _finish(raw)
        refusal = raw.additional_kwargs.get("refusal")
        # A prompt that Google does not let through comes back without an answer.
        blocked = (raw.response_metadata.get("prompt_feedback") or {}).get("block_reason")
        refused = bool(refusal or blocked) or finish in _REFUSALS
        # Half a character is in no encoding: it can neither be kept nor be sent again.
        text = (str(refusal) if refusal else _text(raw)).encode("utf-8", "replace").decode()
        if finish is None and (self._entry.streaming or self._entry.provider == "ollama"):
            raise Truncated  # A stream that ends without a reason was cut.
        counted = raw.usage_metadata or {}
        given = counted.get("output_tokens", len(text.encode()) // _BYTES)
        return {
            "text": text,
            "refused": refused,
            "cut": finish in ("length", "max_tokens", "MAX_TOKENS"),
            "usage": self._usage(counted.get("input_tokens", taken), given),
        }

    def _usage(self, taken: int, given: int) -> dict[str, float]:
        money = self._price.of(taken, given) if self._price else 0.0
        return {"input_tokens": taken, "output_tokens": given, "money": money}

    def _pause(self, state: Any) -> float:
        """Say how long to wait before the next try: as the provider asks, else longer each time."""
        from tenacity import wait_random_exponential

        fault = self._fault(state.outcome.exception())
        if fault.wait is not None:
            # For all that use this provider; a little apart, so that they do not all come back at once.
            self._gate.shut(fault.wait)
            seconds = fault.wait + wait_random_exponential(multiplier=0.1, max=1)(state)
        else:
            seconds = 0.2 + wait_random_exponential(multiplier=1, max=_LONGEST)(state)
        _tell(seconds, fault.reason)
        return float(seconds)

    def _fault(self, error: BaseException) -> Fault:
        """Sort what went wrong; a server may say a key back that it does not take."""
        fault = fault_of(error)
        return replace(fault, reason=fault.reason.replace(self._key, "…")) if self._key else fault

    def _sleep(self, seconds: float) -> None:
        """Sleep, unless the time ends first, or somebody wants the session to stop."""
        left = self._purse.seconds_left()
        self._control.stopped.wait(seconds if left is None else max(0.0, min(seconds, left)))
        self._control.stop_here()

    def _late(self) -> bool:
        left = self._purse.seconds_left()
        return left is not None and left <= 0


def tokens_of(messages: Sequence[Message], schema: Mapping[str, Any]) -> int:
    """Give how many tokens a request has at most, as far as one can tell without the model's own count."""
    size = sum(len(text.encode()) for _, text in messages) + len(json.dumps(schema))
    return math.ceil(size / _BYTES) + _OVERHEAD


def _again(error: BaseException) -> bool:
    if isinstance(error, ResearchError) or not isinstance(error, Exception):
        return False
    fault = fault_of(error)
    return fault.passing and (fault.wait or 0) <= _PATIENCE


def _what_now(fault: Fault) -> str:
    if fault.wait is not None and fault.wait > _PATIENCE:
        return f" It asks to wait {fault.wait / 60:.0f} minutes: resume the session then."
    return " Resume the session to try again." if fault.passing else ""


def _tell(seconds: float, reason: str) -> None:
    if seconds >= 1:
        waiting = {"seconds": round(seconds, 1), "reason": reason}
        send_status_update(f"Waiting {seconds:.0f} s: {reason}", {"waiting": waiting})


def _capped(chat: Any, most: int) -> Any:
    """Give the same model with a lower cap on its answer."""
    for name in ("max_tokens", "num_predict", "max_output_tokens"):
        if name in type(chat).model_fields:
            return chat.model_copy(update={name: most})
    return chat


def _text(raw: Any) -> str:
    """Give the answer as text, also where it came as the arguments of a function."""
    if raw.tool_calls:
        return json.dumps(raw.tool_calls[0]["args"], ensure_ascii=False)
    broken = getattr(raw, "invalid_tool_calls", None)
    if broken:
        return str(broken[0].get("args") or "")
    return str(raw.text if isinstance(raw.text, str) else raw.text())


def _finish(raw: Any) -> str | None:
    """Say why the answer ended, as each provider calls it; None where it did not say."""
    facts = raw.response_metadata
    named = (facts.get(name) for name in ("finish_reason", "stop_reason", "done_reason"))
    return next((str(reason) for reason in named if reason), None)
