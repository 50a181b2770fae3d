from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from jupyter_research.documents import sentences
from jupyter_research.models import Brief, Extractive
from jupyter_research.models.digest import Said
from jupyter_research.models.disagreement import opposed
from jupyter_research.models.feedback import read_feedback
from jupyter_research.models.lenses import LENSES, analyst_of, lens_of
from jupyter_research.models.once import Once
from jupyter_research.models.pool import Pool, cut
from jupyter_research.models.prose import quotability
from jupyter_research.models.stem import stem
from jupyter_research.models.topic import read_topic, with_related
from jupyter_research.models.words import STOP_WORDS, forms, stems, words


class Shelf:
    """Search texts by their words, as a library does; each paragraph is a passage."""

    def __init__(self, **texts):
        self.texts = {name: text.strip() for name, text in texts.items()}
        self.passages = []
        for name, text in self.texts.items():
            for match in re.finditer(r"(?:.+\n?)+", text):
                self.passages.append((name, match.start(), match[0].rstrip()))

    def size(self):
        return len(self.passages)

    def frequency(self, term):
        return sum(stem(term) in forms(text) for _, _, text in self.passages)

    def search(self, query, k=50):
        wanted = {stem(word) for word in words(query) if word not in STOP_WORDS}
        found = [
            (len(wanted & set(forms(text))) / (1 + len(wanted)), name, start, text)
            for name, start, text in self.passages
        ]
        found = sorted((item for item in found if item[0]), key=lambda item: (-item[0], item[1:]))[:k]
        return [
            {"document": name, "title": name, "start": start, "end": start + len(text), "text": text,
             "page": None, "cell": None, "heading": None, "score": score}
            for score, name, start, text in found
        ]  # fmt: skip

    def brief(self, topic, count=5, feedback=()):
        return Brief(
            topic=topic, corpus=self, count=count, documents=len(self.texts), feedback=tuple(feedback)
        )


def digest(shelf, topic, *, count=5, turns=2, team=None):
    """Write a digest as the graph does."""
    model, brief = Extractive(sentences), shelf.brief(topic, count)
    hits = shelf.search(topic)
    team = team or model.propose(brief, hits)["analysts"]
    sections = []
    for analyst in team:
        done = []
        for _ in range(turns):
            question = model.ask(brief, analyst, done)
            query = model.phrase_query(brief, analyst, question, done)
            found = shelf.search(query)
            drafts = model.answer(brief, analyst, question, found, done)
            done.append({"question": question, "query": query, "found": len(found), "drafts": drafts})
        sections.append(model.write_section(brief, analyst, done))
    body = model.write_body(brief, sections, hits)
    return [model.write_introduction(brief, body), *body, model.write_conclusion(brief, body)]


def claims(sections):
    return [claim for section in sections for claim in section["claims"]]


def texts(sections):
    return [claim["text"] for claim in claims(sections)]


MILLS = Shelf(
    mill="""
A tide mill is a water mill that is driven by the rise and fall of the tide. The mill pond fills through a
sluice when the tide comes in. The tide mill at Woodbridge turned its wheel for about 4 hours on each tide.

However, a tide mill cannot turn its wheel at high water. It is unknown how many tide mills had another wheel.
""",
    survey="""
In 1938 a survey counted 10 tide mills that still worked. The tide mill turned its wheel for about 6 hours
on each tide. Further research on the tide mill is planned.

    >>> mill.turn(wheel)

| mill | wheel | tide |

See the tide mill page: https://example.org/tide_mill
""",
    bread="Bread is baked from flour and water. The wheel of cheese stands beside the bread.",
)


def test_every_quote_is_an_exact_span_of_its_document():
    found = [quote for claim in claims(digest(MILLS, "tide mill wheel")) for quote in claim["quotes"]]
    assert len(found) >= 6
    for quote in found:
        assert MILLS.texts[quote["document"]][quote["start"] : quote["end"]] == quote["quote"]


def test_only_lenses_are_proposed_for_which_the_library_has_something():
    model = Extractive(sentences)
    team = model.propose(MILLS.brief("tide mill"), MILLS.search("tide mill"))["analysts"]
    assert [one["name"] for one in team] == [lens.name for lens in LENSES]
    plain = Shelf(one="A tide mill is a water mill that stands by the sea.")
    team = model.propose(plain.brief("tide mill"), plain.search("tide mill"))["analysts"]
    assert [one["name"] for one in team] == ["What it is"]


def test_each_lens_finds_its_own_kind_of_sentence():
    sections = {section["heading"]: texts([section]) for section in digest(MILLS, "tide mill", turns=1)}
    everything = {text for found in sections.values() for text in found}
    assert "It is unknown how many tide mills had another wheel." in everything
    strengths = {
        lens.name: [text for text in everything if lens.strength(text) >= 0.8 and "tide" in text]
        for lens in LENSES
    }
    assert any(text.startswith("A tide mill is a water mill") for text in strengths["What it is"])
    assert any("10 tide mills" in text or "hours" in text for text in strengths["Findings and numbers"])
    assert any(text.startswith("However") for text in strengths["Caveats and disagreement"])
    assert any("unknown" in text for text in strengths["Open questions"])


def test_no_sentence_stands_twice():
    found = [claim["text"] for claim in claims(digest(MILLS, "tide mill wheel")) if claim["quotes"]]
    assert len(found) == len(set(found))


def test_code_tables_links_and_other_topics_are_not_quoted():
    joined = " ".join(texts(digest(MILLS, "tide mill wheel")))
    for wrong in (">>>", "|", "https://", "cheese"):
        assert wrong not in joined


def test_sentences_with_other_numbers_stand_side_by_side():
    sections = digest(MILLS, "for how many hours does a tide mill turn its wheel?")
    (at_odds,) = (section for section in sections if section["heading"] == "Possibly at odds")
    why, one, other = at_odds["claims"]
    assert why["text"] in ("Another number: 4 and 6.", "Another number: 6 and 4.") and why["note"]
    assert {"4 hours" in one["text"], "4 hours" in other["text"]} == {True, False}
    assert any("whether they contradict each other is for a reader" in text for text in texts(sections))


def test_thin_evidence_is_called_so():
    shelf = Shelf(
        one="A tide mill is a water mill that stands by the sea.", two="Bread is baked from flour and water."
    )
    sections = digest(shelf, "tide mill")
    assert any("thin" in text.lower() for text in texts(sections))


@pytest.mark.parametrize(
    "topic", ["quantum chromodynamics", "medieval trade routes", "???", "the of and", "bread gluons"]
)
def test_nothing_relevant_gives_a_digest_without_a_quote(topic):
    shelf = Shelf(
        a="Routes of the server are listed here. It is a fast server.", b="Trade names are registered marks."
    )
    sections = digest(shelf, topic)
    assert all(not claim["quotes"] for claim in claims(sections))
    assert any("nothing was found" in text for text in texts(sections))


def test_words_that_the_library_lacks_are_named():
    assert any("“baryons”" in text for text in texts(digest(MILLS, "tide mill baryons")))


def test_words_that_never_meet_give_the_best_of_each_and_say_so():
    shelf = Shelf(
        a="A session can resume its work at once.", b="A crash of the parser is caught by its parent."
    )
    sections = digest(shelf, "how does resume work after a crash?")
    headings = {section["heading"]: texts([section]) for section in sections}
    assert headings["On “resume” alone"] == ["A session can resume its work at once."]
    assert headings["On “crash” alone"] == ["A crash of the parser is caught by its parent."]
    assert any(
        "No sentence was found about “resume” and “crash” together" in text
        and "for a reader to judge" in text
        for text in headings["Introduction"]
    )


def test_words_are_not_looked_for_alone_where_the_library_lacks_the_topic_s_rarest():
    shelf = Shelf(a="Trade names are registered marks.", b="Routes of the server are listed here.")
    found = claims(digest(shelf, "medieval trade routes"))
    assert not any(claim["quotes"] for claim in found)
    assert any("“medieval”" in claim["text"] for claim in found)


def test_half_a_phrase_of_the_library_counts_little():
    loops = " ".join(f"The event loop wakes reader number {number}." for number in range(5))
    shelf = Shelf(
        a=loops, b="An event of the server is written to the log.", c="The event server has a loop of wire."
    )
    shelf.frequency = lambda term: sum(term in text.lower() for _, _, text in shelf.passages)
    topic = read_topic("server event loop", shelf)
    assert topic.phrases == {"event": {"loop"}, "loop": {"event"}}
    assert topic.coverage(stems("An event of the server")) < topic.coverage(
        stems("an event loop of the server")
    )


def test_a_sentence_that_leans_on_another_is_quoted_with_it():
    text = "A sluice gate holds the pond of the tide mill. It is opened when the tide falls."
    first, second = cut(Shelf(a=text).search("tide mill")[0], sentences)
    assert first.draft(1.0)["quotes"][0]["quote"] == first.text
    leaning = second.draft(1.0)
    assert leaning["text"] == text
    quote = leaning["quotes"][0]
    assert text[quote["start"] : quote["end"]] == quote["quote"] == text
    # What it leans on stands above already: then it stands alone.
    said = Said()
    shown = said.new([first.draft(1.0), leaning])
    assert [draft["text"] for draft in shown] == [first.text, second.text]
    assert all(text[one["start"] : one["end"]] == one["quote"] for draft in shown for one in draft["quotes"])


def test_the_label_of_an_abstract_s_part_is_no_part_of_a_quote():
    text = "RESULTS The tide mill ground 4 tons. MAIN OUTCOMES AND MEASURES: Grain was weighed by the miller."
    found = [one.text for one in cut(Shelf(a=text).search("tide mill")[0], sentences)]
    assert found == ["The tide mill ground 4 tons.", "Grain was weighed by the miller."]


def test_a_definition_must_be_one_of_the_topic():
    shelf = Shelf(
        a="A tide mill is a water mill by the sea. A wind mill is a mill that the tide never reaches by sea.",
        b="Bread is a food that is baked from flour of a mill that stands at the tide.",
    )
    sections = digest(shelf, "tide mill", turns=1)
    shown = [text for section in sections for text in texts([section]) if section["heading"] == "What it is"]
    assert not any(text.startswith("Bread is") for text in shown)


def test_who_does_something_is_no_everyday_word():
    topic = read_topic("how do I write my own researcher?", MILLS)
    assert topic.keys == {"researcher"}


def test_one_rare_word_of_a_topic_is_not_enough():
    shelf = Shelf(
        a="Property-based testing generates inputs for tests. A property holds for all inputs of a test.",
        b="Each cached property is stored in the instance. The property tax rose last year.",
    )
    found = texts(digest(shelf, "property based testing"))
    assert any("generates inputs" in text for text in found)
    assert not any("tax" in text or "cached" in text for text in found)


def test_forms_of_a_word_count_as_that_word():
    shelf = Shelf(
        a="The server authenticates every user. Unrelated words stand here.", b="Nothing of the kind."
    )
    assert any("authenticates" in text for text in texts(digest(shelf, "user authentication")))


def test_the_library_s_own_synonyms_stand_in_for_a_term():
    together = " ".join(
        f"Background tasks of kind {name} wait in a queue until a worker is free." for name in "abcdef"
    )
    rest = "\n\n".join(f"Chapter {number} is about gardens and about plants." for number in range(40))
    tasks = [f"A background task number {number} goes to the queue." for number in range(5)]
    shelf = Shelf(a="\n\n".join([together, *tasks]),
                  b=f"The task queue keeps what a worker has to do.\n\n{rest}")  # fmt: skip
    topic = "running background tasks"
    hits = shelf.search(topic)
    read = with_related(read_topic(topic, shelf), [forms(hit["text"]) for hit in hits], shelf)
    assert "queue" in read.related[stem("background")]
    relevant = Pool(read, hits, lambda hit: cut(hit, sentences)).relevant
    assert any("task queue keeps" in sentence.text for sentence in relevant)
    without = Pool(read_topic(topic, shelf), hits, lambda hit: cut(hit, sentences)).relevant
    assert not any("task queue keeps" in sentence.text for sentence in without)


def test_an_edited_lens_keeps_its_cues_and_gets_new_terms():
    plain = analyst_of(LENSES[0])
    assert lens_of(plain) == LENSES[0]
    edited = lens_of({**plain, "name": "Sluices", "description": "sluice gates"})
    assert stem("sluice") in edited.terms and edited.cues == LENSES[0].cues
    own = lens_of(
        {"id": "mine", "name": "Cook", "role": "Expert for bread", "affiliation": "", "description": ""}
    )
    assert own.cues == () and own.terms == {stem("cook"), stem("bread")}
    assert own.strength("Bread is baked.", [stem("bread"), stem("baked")]) > 0


def test_braces_in_a_person_s_words_do_no_harm():
    analyst = {"id": "x", "name": "{0}", "role": "{topic!r}", "affiliation": "", "description": "a {b} c"}
    assert Extractive(sentences).ask(MILLS.brief("what about {this}?"), analyst, [])


@pytest.mark.parametrize(
    ("text", "wanted", "dropped", "count", "subjects"),
    [
        ("no numbers please", (), ("findings",), None, ()),
        ("drop the caveats and add open questions", ("open-questions",), ("caveats",), None, ()),
        ("two analysts", (), (), 2, ()),
        ("just 4 lenses, without how it works", (), ("how-it-works",), 4, ()),
        ("focus on cookie security", (), (), None, ("cookie security",)),
        ("", (), (), None, ()),
    ],
)
def test_feedback_is_read_by_the_names_of_lenses_numbers_and_subjects(text, wanted, dropped, count, subjects):
    wishes = read_feedback(text)
    assert (wishes.wanted, wishes.dropped, wishes.count, wishes.subjects) == (
        wanted,
        dropped,
        count,
        subjects,
    )


@pytest.mark.parametrize(
    "text",
    [
        "# A heading without an end",
        "import os; os.remove('this file of the user')",
        "| a table | has rows | and columns of the thing. |",
        "Copyright 2024 by the authors, all rights reserved.",
        "Smith J., Miller K. On the tides. J. Mills 2003; 12(4): 33-39.",
        "To install it, run the following command:",
        "See 1.2.3 ........ 17.",
        "def turn(self, wheel): return self.the_wheel.",
        "Yes.",
    ],
)
def test_what_is_no_prose_is_not_quotable(text):
    assert quotability(text) == 0


@pytest.mark.parametrize(
    "text",
    [
        "A tide mill is a water mill that is driven by the tide.",
        "The rate was 19.1% (95% CI, 18.1% to 20.0%): 16.9% in men and 20.5% in women, with no "
        "difference in the rest.",
        "It returns the token without which no request is answered.",
    ],
)
def test_prose_is_quotable(text):
    assert quotability(text) > 0


def pairs(one, other):
    """Give why two sentences of two documents are held against each other."""
    hits = Shelf(one=one, two=other).search(f"{one} {other}")
    return [pair.why for pair in opposed([sentence for hit in hits for sentence in cut(hit, sentences)])]


@pytest.mark.parametrize(
    ("one", "other", "why"),
    [
        (
            "The drug increased survival of the treated mice in the trial.",
            "The drug decreased survival of the treated mice in the trial.",
            "Opposites",
        ),
        (
            "Vitamin D supplements reduce the risk of fractures in older women.",
            "Vitamin D supplements do not reduce the risk of fractures in older women.",
            "One denies what the other says: “reduce”",
        ),
        (
            "An association between coffee and heart disease was seen in the cohort.",
            "There was no association between coffee and heart disease in the cohort.",
            "One misses what the other has: “association”",
        ),
        (
            "The kernel is culled after an idle timeout of 30 minutes.",
            "The idle timeout after which the kernel is culled is 60 minutes.",
            "Another number: 30 and 60",
        ),
    ],
)
def test_sentences_that_say_the_opposite_of_the_same_thing_are_paired(one, other, why):
    assert [found[: len(why)] for found in pairs(one, other)] == [why]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "Buttons on the card command the server directly and do not go through the kernel, so they work.",
            "The buttons Approve and Cancel on the card command the server directly, so they work.",
        ),
        (
            "Of 314,019 women in the cohort, 2216 (0.7%) developed breast cancer, of whom 2100 were young.",
            "Among carriers, 6180 women (52%) were diagnosed with breast cancer, 682 (6%) with another.",
        ),
        (
            "Smoking results in approximately 85% of all lung cancer cases.",
            "Smoking reduction by 50% reduces the risk of lung cancer cases.",
        ),
        (
            "Individuals who smoke have an increased risk of lung cancer.",
            "Individuals who stop have a reduced risk of bladder cancer.",
        ),
        (
            "The session runs in a notebook of the server.",
            "Where the server no longer has the session, the notebook shows what was saved.",
        ),
        (
            "The gate is not only opened but also closed by the miller.",
            "The gate is opened and closed by the miller.",
        ),
    ],
)
def test_sentences_that_only_share_words_are_not_paired(one, other):
    assert pairs(one, other) == []


def test_the_stems_are_porter_s():
    pairs = {"authentication": "authent", "authenticates": "authent", "running": "run", "queues": "queue",
             "relational": "relat", "hopping": "hop", "skies": "ski", "y": "y", "o2": "o2"}  # fmt: skip
    assert {word: stem(word) for word in pairs} == pairs


def test_the_same_library_and_topic_give_the_same_digest():
    assert digest(MILLS, "tide mill wheel") == digest(MILLS, "tide mill wheel")


def test_what_several_ask_for_at_the_same_time_is_worked_out_once():
    made, begun, go_on = [], threading.Event(), threading.Event()

    def make():
        made.append("first")
        begun.set()
        assert go_on.wait(90)
        return "worked out"

    once = Once(2)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(once.get, "key", make)
        assert begun.wait(90)
        second = pool.submit(once.get, "key", lambda: made.append("second"))
        go_on.set()
        assert (first.result(), second.result()) == ("worked out", "worked out")
    assert made == ["first"]


def test_what_failed_is_tried_again_and_the_oldest_makes_room():
    once = Once(1)

    def fail():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        once.get("a", fail)
    assert once.get("a", lambda: 1) == 1
    assert once.get("b", lambda: 2) == 2
    assert once.get("a", lambda: 3) == 3
