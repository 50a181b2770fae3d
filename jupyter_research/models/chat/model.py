"""Let a chat model think, and keep it honest: it cites passages by ids, and code makes quotes of these."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeVar

from ...errors import BudgetSpent
from ...ledger import Ledger, request_hash
from ..base import Analyst, Brief, Draft, Estimate, Hit, Model, SectionDraft, Splitter, Team, Turn
from . import prompts, shapes
from .notes import sentences
from .passages import Passage, cite, numbered, quoted
from .talk import Heard, Talk

S = TypeVar("S", bound=shapes.Shape)

#: How many passages, and how many of their characters, a prompt has.
_HITS: Final = 12
_GLIMPSE: Final = 8
_ROOM: Final = 12_000
_GLIMPSE_ROOM: Final = 6_000
#: The same for a prompt that is the only one.
_BRIEF_HITS: Final = 24
_BRIEF_ROOM: Final = 24_000
#: How many claims an answer and a section may have.
_CLAIMS: Final = 6
_SECTION_CLAIMS: Final = 10
_MOST_ANALYSTS: Final = 10

#: Gives the numbers, names and negations of a claim that a passage lacks.
Missing = Callable[[str, str], list[str]]


class Chat:
    """Be a chat model for one session; its methods may be called from several threads.

    Args:
        name: the name by which it was chosen.
        talk: asks the model.
        notes: where it is noted what the report has to say.
        plain: the model without a network, for what this one does not do or cannot be paid for.
        split: finds the sentences of a text.
        missing: compares a claim with its passage.
        estimate: says what a team will take.
        meant: whether the person chose this model: else nothing goes to it before the approval.
    """

    calls = True

    def __init__(
        self,
        name: str,
        talk: Talk,
        *,
        notes: Ledger,
        plain: Model,
        split: Splitter,
        missing: Missing,
        estimate: Callable[[int, int], Estimate],
        meant: bool = True,
    ) -> None:
        self._name = name
        self._talk = talk
        self._notes = notes
        self._plain = plain
        self._split = split
        self._missing = missing
        self._estimate = estimate
        self._meant = meant

    @property
    def name(self) -> str:
        """Give the name by which it is chosen."""
        return self._name

    def title(self, topic: str) -> str:
        """Take the topic."""
        return " ".join(topic.split())

    def limits(self) -> tuple[str, ...]:
        """Say what the model did that a reader has to know."""
        return tuple(sentences(self._name, self._notes.notes()))

    def estimate(self, analysts: int, turns: int) -> Estimate | None:
        """Say what a team will take."""
        return self._estimate(analysts, turns)

    def propose(self, brief: Brief, hits: Sequence[Hit]) -> Team:
        """Propose as many analysts as were asked for; without a model that is not the person's choice."""
        if not self._meant:
            return self._plain.propose(brief, hits)
        count = brief.count

        def wrong(team: shapes.Team) -> str | None:
            number = len(team.analysts)
            if (brief.feedback and number <= _MOST_ANALYSTS) or number == count:
                return None
            return f"There are {number} analysts where {count} were asked for."

        glimpse = numbered(hits, _GLIMPSE, _GLIMPSE_ROOM)
        prompt = prompts.team(brief.topic, count, brief.feedback, glimpse)
        heard = self._ask(prompts.PLANNER, prompt, shapes.Team, wrong)
        if heard is None or heard.value is None:
            return self._plain.propose(brief, hits)
        most = _MOST_ANALYSTS if brief.feedback else count
        given = heard.value.analysts
        if len(given) > most:
            self._note(prompt, "surplus", len(given) - most)
        return {"analysts": list(_team(given[:most])), "question": self._question(brief, len(given[:most]))}

    def ask(self, brief: Brief, analyst: Analyst, turns: Sequence[Turn]) -> str:
        """Ask what the documents may tell."""
        prompt = prompts.question(brief.topic, analyst, turns)
        heard = self._ask(prompts.PLANNER, prompt, shapes.Question)
        if heard is not None and heard.value is not None:
            return heard.value.question
        return f"{brief.topic} ({analyst['name']}{f', {len(turns) + 1}' if turns else ''})"

    def phrase_query(self, brief: Brief, analyst: Analyst, question: str, turns: Sequence[Turn]) -> str:
        """Give the topic's words with those that the model would search for."""
        prompt = prompts.query(brief.topic, analyst, question, turns)
        heard = self._ask(prompts.PLANNER, prompt, shapes.Query)
        return heard.value.query if heard is not None and heard.value is not None else question

    def answer(
        self, brief: Brief, analyst: Analyst, question: str, hits: Sequence[Hit], turns: Sequence[Turn]
    ) -> list[Draft]:
        """Answer with claims that cite passages by id."""
        given = numbered(hits, _HITS, _ROOM)
        if not given:
            return []
        prompt = prompts.answer(brief.topic, analyst, question, given, _CLAIMS)
        heard = self._ask(prompts.WRITER, prompt, shapes.Claims)
        if heard is None or heard.value is None:
            return []
        return self._cited(prompt, heard.value.claims, given)

    def write_section(self, brief: Brief, analyst: Analyst, turns: Sequence[Turn]) -> SectionDraft:
        """Write the section from the answers and their passages; without the model it is the answers."""
        answers = [draft for turn in turns for draft in turn["drafts"]]
        section: SectionDraft = {"heading": analyst["name"], "analyst": analyst["id"], "claims": answers}
        if not answers:
            return section
        given = quoted(answers, _ROOM)
        prompt = prompts.section(brief.topic, analyst, turns, given, _SECTION_CLAIMS)
        heard = self._ask(prompts.WRITER, prompt, shapes.Section)
        if heard is None or heard.value is None:
            return section
        claims = self._repaired(self._cited(prompt, heard.value.claims, given))
        return {**section, "heading": heard.value.heading, "claims": claims}

    def write_body(
        self, brief: Brief, sections: Sequence[SectionDraft], hits: Sequence[Hit]
    ) -> list[SectionDraft]:
        """Let the model order the sections and name repetitions; the claims themselves stay as they are."""
        written = self._without_doubles(brief, sections)
        if not written:
            # Nothing was paid for, or nothing found: what stands closest to the topic, word for word.
            return self._plain.write_body(brief, sections, hits)[:1]
        if len(written) == 1:
            return list(written)
        named = [
            (f"s{number}", section, [f"s{number}c{index}" for index, _ in enumerate(section["claims"], 1)])
            for number, section in enumerate(written, 1)
        ]
        prompt = prompts.body(brief.topic, named)
        heard = self._ask(prompts.PLANNER, prompt, shapes.Body)
        if heard is None or heard.value is None:
            return list(written)
        return self._ordered(prompt, heard.value, {name: (section, ids) for name, section, ids in named})

    def write_introduction(self, brief: Brief, body: Sequence[SectionDraft]) -> SectionDraft:
        """Write what the report is about."""
        return self._edge(brief, body, "introduction", "Introduction")

    def write_conclusion(self, brief: Brief, body: Sequence[SectionDraft]) -> SectionDraft:
        """Write what the passages come to together."""
        return self._edge(brief, body, "conclusion", "Conclusion")

    def write_report(
        self, brief: Brief, hits: Sequence[Hit]
    ) -> tuple[SectionDraft, list[SectionDraft], SectionDraft]:
        """Write introduction, body and conclusion in one call; without the model, quote what is closest."""
        given = numbered(hits, _BRIEF_HITS, _BRIEF_ROOM)
        prompt = prompts.report(brief.topic, given)
        heard = self._ask(prompts.WRITER, prompt, shapes.Report) if given else None
        if heard is None or heard.value is None:
            body = self._plain.write_body(brief, [], hits)[:1]
            return (
                self._plain.write_introduction(brief, body),
                body,
                self._plain.write_conclusion(brief, body),
            )
        report = heard.value

        def section(written: shapes.Written, place: int) -> SectionDraft:
            drafts = self._repaired(self._cited(f"{prompt}{place}", written.claims, given))
            return {"heading": written.heading, "analyst": None, "claims": drafts}

        body = [section(one, number) for number, one in enumerate(report.sections, 2)]
        return section(report.introduction, 0), body, section(report.conclusion, 1)

    def _edge(self, brief: Brief, body: Sequence[SectionDraft], which: str, heading: str) -> SectionDraft:
        drafts = [draft for section in body for draft in section["claims"] if draft["quotes"]]
        section: SectionDraft = {"heading": heading, "analyst": None, "claims": []}
        if not drafts:
            nothing = f"Nothing was found in {brief.documents} documents about “{brief.topic}”."
            return {**section, "claims": [{"text": nothing, "quotes": [], "score": 0.0, "note": True}]}
        given = quoted(drafts, _ROOM)
        prompt = prompts.edge(brief.topic, which, body, given)
        heard = self._ask(prompts.WRITER, prompt, shapes.Section)
        if heard is None or heard.value is None:
            return section
        claims = self._repaired(self._cited(prompt, heard.value.claims, given))
        return {**section, "heading": heard.value.heading, "claims": claims}

    def _without_doubles(self, brief: Brief, sections: Sequence[SectionDraft]) -> list[SectionDraft]:
        """Leave out what another section says in the same words, and sections that say nothing else."""
        seen: set[str] = set()
        result: list[SectionDraft] = []
        for section in sections:
            kept = [claim for claim in section["claims"] if claim["text"] not in seen]
            seen |= {claim["text"] for claim in kept}
            if kept:
                result.append({**section, "claims": kept})
        doubles = sum(len(section["claims"]) for section in sections)
        doubles -= sum(len(section["claims"]) for section in result)
        self._note(f"doubles of {brief.topic}", "doubles", doubles)
        return result

    def _ordered(
        self, prompt: str, body: shapes.Body, known: dict[str, tuple[SectionDraft, list[str]]]
    ) -> list[SectionDraft]:
        """Put sections in the order that is named; those that are not named follow."""
        headings = {one.id: one.heading for one in body.sections if one.id in known}
        repeated = set(body.repeated) & {name for _, ids in known.values() for name in ids}
        result: list[SectionDraft] = []
        for name in [*headings, *(name for name in known if name not in headings)]:
            section, ids = known[name]
            kept = [claim for one, claim in zip(ids, section["claims"], strict=True) if one not in repeated]
            if not kept:
                # A section of repetitions alone is still an analyst's work.
                repeated -= set(ids)
                kept = section["claims"]
            result.append({**section, "heading": headings.get(name, section["heading"]), "claims": kept})
        self._note(prompt, "repeated", len(repeated))
        return result

    def _cited(self, prompt: str, claims: Iterable[shapes.Cited], given: Sequence[Passage]) -> list[Draft]:
        made = cite(((one.text, one.passages) for one in claims), given, self._split)
        self._note(prompt, "unknown", made.unknown)
        return made.drafts

    def _repaired(self, drafts: list[Draft]) -> list[Draft]:
        """Send claims that say what their passages lack back once; the checker marks what is still so."""
        wrong = []
        for number, draft in enumerate(drafts):
            passage = "\n".join(whole["quote"] for whole in draft.get("passages", ()))
            missing = self._missing(draft["text"], passage) if draft["quotes"] else []
            if missing:
                wrong.append((f"c{number + 1}", draft["text"], missing, passage))
        if not wrong:
            return drafts
        heard = self._ask(prompts.WRITER, prompts.repairs(wrong), shapes.Repairs)
        anew = {one.id: one.text for one in heard.value.claims} if heard and heard.value else {}
        asked = {name for name, *_ in wrong}
        return [
            {**draft, "text": anew[name]} if name in asked and name in anew else draft
            for draft, name in zip(drafts, (f"c{number + 1}" for number in range(len(drafts))), strict=True)
        ]

    def _ask(
        self, system: str, prompt: str, shape: type[S], wrong: Callable[[S], str | None] = lambda value: None
    ) -> Heard[S] | None:
        """Ask, and note what cannot be used; None where there is no budget for it."""
        try:
            heard = self._talk.ask(system, prompt, shape, wrong)
        except BudgetSpent:
            self._note(prompt, "budget")
            return None
        if heard.value is None:
            self._note(prompt, "refused" if heard.refused else "unusable")
        return heard

    def _note(self, prompt: str, kind: str, count: int = 1) -> None:
        if count:
            self._notes.note(request_hash(prompt), kind, count)

    def _question(self, brief: Brief, count: int) -> str:
        documents = f"{brief.documents} {'document' if brief.documents == 1 else 'documents'}"
        where = documents if brief.documents or not brief.online else "what is found online"
        return f"Shall {'this analyst' if count == 1 else f'these {count} analysts'} look through {where}?"


def _team(members: Iterable[shapes.Member]) -> Iterable[Analyst]:
    """Give analysts with ids of their own, made of their names."""
    taken: set[str] = set()
    for number, member in enumerate(members, 1):
        identity = re.sub(r"[^a-z0-9]+", "-", member.name.lower()).strip("-")[:40] or f"analyst-{number}"
        while identity in taken:
            identity = f"{identity}-{number}"
        taken.add(identity)
        yield {
            "id": identity,
            "name": member.name,
            "role": member.role,
            "affiliation": member.affiliation,
            "description": member.description,
        }
