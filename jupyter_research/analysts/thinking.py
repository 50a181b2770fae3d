"""Choose the model of a session, and open it when the session works."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from ..citations.terms import missing_terms
from ..errors import InvalidRequest, NoKey, UnknownName
from ..ledger import Ledger
from ..models import Extractive, Model
from ..models.base import Splitter
from ..models.chat import EXTRAS, Entry, Gates, Opening, answers, entry, install, need_package, opened
from ..models.chat.prices import price_of
from ..models.defaults import Defaults
from ..models.keys import Keys, fits_header, variables
from ..work import Place, Work
from .budget import Budget
from .options import Options

#: The model that every installation has.
PLAIN: Final = "extractive"
#: Why a model was chosen, where the person did it.
ASKED_FOR: Final = "asked for"
OWN_DEFAULT: Final = "your default"
#: A notebook larger than this is not read for its model.
_LARGEST: Final = 50 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Thinking:
    """Know which models there are, and what a session needs to use one."""

    #: The trait `models`.
    configured: Mapping[str, Any] = field(default_factory=dict)
    #: The names of the chat models that sessions may use; None for all.
    allowed: frozenset[str] | None = None
    #: The administrator's choice for those who choose nothing.
    default: str = ""
    #: The administrator's caps on every session with a chat model.
    caps: Mapping[str, float] = field(default_factory=dict)
    keys: Keys = field(default_factory=lambda: Keys(None, {}))
    defaults: Defaults = field(default_factory=lambda: Defaults(None))
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    gates: Gates = field(default_factory=Gates)

    def choose(self, named: str | None, place: Place) -> tuple[str, str]:
        """Give the model's name and why it is that one: the nearest choice counts."""
        choices = (
            (named, ASKED_FOR),
            (_of_notebook(place.notebook), "chosen in this notebook"),
            (self.defaults.of(place.owner).get("model"), OWN_DEFAULT),
            (self.default, "the server's default"),
        )
        return next(((name, why) for name, why in choices if name), (PLAIN, "no other was chosen"))

    def completed(self, options: Mapping[str, Any], owner: str) -> dict[str, Any]:
        """Give the options with what a person has chosen for all sessions, but for the model."""
        chosen = {name: value for name, value in self.defaults.of(owner).items() if name != "model"}
        return {**chosen, **{name: value for name, value in options.items() if value is not None}}

    def keep(self, owner: str, choices: Any) -> dict[str, Any]:
        """Take what a person has chosen for all sessions.

        Raises:
            InvalidRequest: for a choice that cannot be kept.
        """
        if not isinstance(choices, Mapping):
            raise InvalidRequest("The body must be a JSON object.")
        kept = {name: value for name, value in choices.items() if value is not None}
        given = self.defaults.checked(kept)
        read = Options.from_json(given)
        if read.model not in (None, PLAIN):
            self.entry(str(read.model))
        return self.defaults.keep(owner, given)

    def settle(self, options: Options, place: Place, *, local_only: bool) -> dict[str, str]:
        """Give the options that say which model it will be and why, checked before a session begins.

        Raises:
            UnknownName: with the names that there are.
            NoPackage, NoKey: with what to do.
            InvalidRequest: where a session that is local only would leave the machine.
        """
        name, why = self.choose(options.model, place)
        if name == PLAIN:
            return {"model": PLAIN}
        found = self.entry(name)
        if local_only and not found.local:
            if options.model is None:
                # Chosen for all sessions: it was not meant for one that may send nothing.
                return {"model": PLAIN, "model_from": f"local only, which {name} is not"}
            raise InvalidRequest(
                f"The session is local only, and the model {name} would send texts to {found.host}: choose "
                f"`{PLAIN}`, or a model on this machine such as `ollama:NAME`."
            )
        need_package(found.provider)
        self.key(found, place.owner, guest=place.guest)
        self._check_budget(found, options.budget)
        return {"model": name, "model_from": why}

    def entry(self, name: str) -> Entry:
        """Give the chat model of that name, where it may be used here."""
        permitted = self.allowed is None or name in self.allowed
        found = entry(name, self.configured, self.environment) if permitted else None
        if found is None:
            any_other = [*self.configured, "provider:name such as openai:gpt-4o-mini"]
            names = [PLAIN, *(any_other if self.allowed is None else sorted(self.allowed))]
            raise UnknownName(f"There is no model {name!r}: choose among {', '.join(names)}.")
        return found

    def local_addresses(self, name: str | None) -> tuple[str, ...]:
        """Give host and port of a model that runs on this machine; none for any other."""
        if name in (None, PLAIN):
            return ()
        found = self.entry(str(name))
        return (found.address,) if found.local else ()

    def key(self, found: Entry, owner: str, *, guest: bool = False) -> str | None:
        """Look the key of a model up; None where it needs none.

        A guest of somebody else's server gets no key of its host's, who would pay.

        Raises:
            NoKey: with what to do.
        """
        if found.key is None:
            return None
        known = self.keys.find(found.key, owner, guest=guest)
        if known is not None:
            if not fits_header(known[0]):
                raise NoKey(
                    f"The key of {found.key} ({known[1]}) holds a sign that no header takes: set it again."
                )
            return known[0]
        if guest:
            raise NoKey(
                f"You are a guest of this server, and its keys are its owner's: start the session on a "
                f"server of your own, or choose `{PLAIN}`."
            )
        variable = variables(found.key)[0]
        raise NoKey(
            f"The server has no key for {found.key}: run `jupyter research keys set {found.key}`, or set "
            f"{variable} where the server is started. A key in the notebook's kernel is not the server's."
        )

    def budget(self, options: Options, ledger: Ledger) -> Budget:
        """Give the budget of a session: what was asked for, and no more than the administrator allows."""
        limits = dict(options.budget)
        if options.model in (None, PLAIN):
            return Budget(limits, ledger)
        for name, cap in self.caps.items():
            limits[name] = min(limits.get(name, cap), cap)
        price = price_of(self.entry(str(options.model)))
        return Budget(limits, ledger, price.of if price else None, chat=True)

    def _check_budget(self, found: Entry, budget: Mapping[str, float]) -> None:
        """Refuse a cap on money for a model whose price nobody knows: it could not be held.

        One on this machine costs nothing that anybody knows of: there it is said that the cap holds nothing.
        """
        if "money" not in {*budget, *self.caps} or found.local or price_of(found) is not None:
            return
        instead = (
            "choose a model whose price is known"
            if "money" in self.caps
            else "give one in tokens, as in `--budget tokens=200000`"
        )
        raise InvalidRequest(
            f"The price of {found.name} is not known, so a budget of money cannot be held: {instead}."
        )

    @contextmanager
    def open(
        self, work: Work, options: Options, ledger: Ledger, budget: Budget, split: Splitter
    ) -> Iterator[Model]:
        """Give the session's model, and close what it holds."""
        plain = Extractive(split)
        if options.model in (None, PLAIN):
            yield plain
            return
        found = self.entry(str(options.model))
        chosen = str(work.options.get("model_from") or ASKED_FOR)
        opening = Opening(
            entry=found,
            key=self.key(found, work.owner, guest=work.place.guest),
            chosen=chosen,
            meant=chosen in (ASKED_FOR, OWN_DEFAULT),
            price=price_of(found),
            gates=self.gates,
            owner=work.owner,
            ledger=ledger,
            purse=budget,
            unheld=budget.unheld,
            control=work.control,
            plain=plain,
            split=split,
            missing=missing_terms,
        )
        with opened(opening) as model:
            yield model

    def describe(self, owner: str, *, guest: bool, check: bool = False) -> list[dict[str, Any]]:
        """List what can be chosen, each with what it needs, and with `check` whether it answers.

        A guest is not told that: it would be the host's machine that asks.
        """
        plain = "Quotes your documents word for word: no language model, no network, no key."
        described: list[dict[str, Any]] = [{"name": PLAIN, "description": plain}]
        usual = (self.defaults.of(owner).get("model"), self.default)
        names = [*self.configured, *(name for name in usual if name not in {None, "", PLAIN})]
        for name in dict.fromkeys(names):
            try:
                found = self.entry(name)
            except InvalidRequest as error:
                described.append({"name": name, "description": str(error)})
                continue
            described.append({"name": name, "description": self._needs(found, owner, guest)})
            if check and not guest:
                described[-1]["answers"] = self._answers(found, owner)
        return [*described, *self._providers(owner)] if check and not guest else described

    def _providers(self, owner: str) -> Iterator[dict[str, Any]]:
        """List the providers of which any model can be named, where it is not said which may be."""
        for provider in EXTRAS if self.allowed is None else ():
            try:
                found = self.entry(f"{provider}:NAME")
                need_package(provider)
                self.key(found, owner)
            except InvalidRequest:
                continue
            # What any list has: it is asked for the provider alone.
            answers = self._answers(replace(found, model=""), owner)
            needs = self._needs(found, owner, False).removeprefix(found.name)
            yield {"name": found.name, "description": f"Any model of {provider}{needs}", "answers": answers}

    def _needs(self, found: Entry, owner: str, guest: bool) -> str:
        where = "on this machine" if found.local else f"at {found.host}"
        try:
            need_package(found.provider)
        except InvalidRequest:
            return f"{found.provider}:{found.model} {where}; install it with `{install(found.provider)}`."
        if found.key is None:
            return f"{found.provider}:{found.model} {where}; needs no key."
        known = self.keys.find(found.key, owner, guest=guest)
        key = f"the key comes from {known[1]}" if known else f"there is no key for {found.key}"
        return f"{found.provider}:{found.model} {where}; {key}."

    def _answers(self, found: Entry, owner: str) -> str:
        """Say in a few words whether a provider answers; asks for its list of models, which costs nothing."""
        try:
            return answers(found, self.key(found, owner))
        except NoKey as error:
            return str(error)


def _of_notebook(path: Path | None) -> str | None:
    """Give the model that a notebook's metadata names, `{"jupyter_research": {"model": …}}`."""
    try:
        if path is None or path.stat().st_size > _LARGEST:
            return None
        named = json.loads(path.read_bytes())["metadata"]["jupyter_research"]["model"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return named if isinstance(named, str) and named.strip() else None
