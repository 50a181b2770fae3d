from __future__ import annotations

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_research.citations import Checker, Registry, locate, missing_terms, nearest, normalise
from jupyter_research.report import Citation, Claim, Source, Verdict

SUBJECTS = (
    "The enzyme",
    "A second server",
    "The control group",
    "Every analyst",
    "This compound",
    "The cache",
)
VERBS = ("increased the yield", "decreased the load", "was associated with the delay", "improved the recall")
PLACES = (
    "in adult mice",
    "on a shared host",
    "among 214 patients",
    "within the first hour",
    "in the second trial",
)
ENDS = (
    "by 12.5 % on average",
    "from 18 to 42 requests",
    "after 3 days of treatment",
    "compared with 1,200 others",
)
TEXT = " ".join(
    f"{subject} {verb} {place} {end}."
    for subject in SUBJECTS
    for verb in VERBS
    for place in PLACES
    for end in ENDS
)
SENTENCES = re.findall(r"[A-Z].+?\.(?= [A-Z]|$)", TEXT)
CHECKER = Checker({"d1": TEXT}.get)


def check(quote, text=TEXT, *, claim=None, start=0):
    cited = Citation(source="d1", start=start, end=start + len(quote), quote=quote)
    checker = CHECKER if text is TEXT else Checker({"d1": text}.get)
    return checker.check(Claim(id="c1", text=quote if claim is None else claim, citations=(cited,)))


def sampled(seed, number=1000):
    return random.Random(seed).choices(SENTENCES, k=number)


def spans_hold(claim, text=TEXT):
    return all(text[one.start : one.end] == one.quote for one in claim.citations)


def change_digit(sentence, chance):
    places = [index for index, character in enumerate(sentence) if character.isdigit()]
    at = chance.choice(places)
    digit = chance.choice([other for other in "123456789" if other != sentence[at]])
    return sentence[:at] + digit + sentence[at + 1 :]


def insert_not(sentence, chance):
    words = sentence.split(" ")
    at = chance.randrange(1, len(words))
    return " ".join([*words[:at], "not", *words[at:]])


def drop_word(sentence, chance):
    words = sentence.split(" ")
    at = chance.randrange(1, len(words) - 1)
    return " ".join(words[:at] + words[at + 1 :])


def swap_direction(sentence, chance):
    swaps = {"increased": "decreased", "decreased": "increased", "improved": "worsened", "delay": "gain"}
    return re.sub("|".join(swaps), lambda match: swaps[match[0]], sentence)


def retype(sentence, chance):
    words = sentence.split(" ")
    at = chance.randrange(len(words))
    if len(words[at]) > 5 and words[at].isalpha():
        words[at] = words[at][:3] + chance.choice(["-\n", "\x02", "\x02\r\n", "\u00ad"]) + words[at][3:]
    spaced = chance.choice([" ", "\n", "  ", "\u00a0"]).join(words)
    return chance.choice([spaced, spaced.upper(), spaced.capitalize()])


@pytest.mark.slow
@pytest.mark.parametrize("alter", [change_digit, insert_not, drop_word, swap_direction])
def test_no_altered_quote_is_ever_verbatim(alter):
    chance = random.Random(alter.__name__)
    altered = [alter(sentence, chance) for sentence in sampled(alter.__name__)]
    assert len(altered) == 1000
    for quote in altered:
        if quote in SENTENCES:  # a digit changed into another sentence's
            continue
        checked = check(quote)
        assert checked.verdict is not Verdict.VERBATIM or quote != checked.text, quote
        assert checked.verdict in (Verdict.REPAIRED, Verdict.TERMS_MISSING, Verdict.UNCITED), quote
        assert spans_hold(checked)


def test_every_verbatim_quote_is_accepted():
    for quote in sampled("verbatim"):
        assert check(quote).verdict is Verdict.VERBATIM


def test_every_retyped_quote_is_accepted_and_shows_the_stored_text():
    chance = random.Random("retype")
    for sentence in sampled("retype"):
        checked = check(retype(sentence, chance))
        assert checked.verdict is Verdict.VERBATIM
        assert [one.quote for one in checked.citations] == [sentence]
        assert spans_hold(checked)


def test_text_of_a_pdf_with_line_hyphens_is_compared_without_them():
    text = "We read sixty pa\x02pers on well-\r\nknown ef\u00adfects of the ﬁrst kind, and\nno more."
    checked = check("we read sixty papers on well-known effects of the first kind", text)
    assert checked.verdict is Verdict.VERBATIM
    assert checked.citations[0].quote == text[: text.index(", and")]


def test_of_two_places_the_nearest_to_the_one_that_was_named_is_taken():
    text = "It rained. Then nothing. It rained."
    assert locate(text, "it rained", near=25) == (25, 34)
    assert locate(text, "it rained", near=1) == (0, 9)
    assert locate(text, "it rained") == (0, 9)


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ("The rate rose by 12 points.", "The rate rose by 1"),
        ("The rate rose by 1.25 points.", "The rate rose by 1"),
        ("The rate rose by 1,250 points.", "The rate rose by 1"),
        ("We saw 12 falls.", "2 falls"),
        ("A shift of -5 degrees.", "5 degrees"),
        ("It was notable to all.", "It was not"),
        ("Grow 10⁵ cells.", "Grow 105 cells"),
        ("Between 10-20 of them.", "Between 1020 of them"),
        ("Between 10\x02\r\n20 of them.", "Between 1020 of them"),
        ("A change of .5 points.", "5 points"),
        ("The rate rose by 12.5 points.", "The rate rose by 12."),
        ("The rate rose by 1’250 points.", "The rate rose by 1"),
        ("The rate rose by 1·25 points.", "The rate rose by 1"),
        ("The rate rose by ١٫٢٥ points.", "The rate rose by ١"),
        ("The rate rose by 1/2 of a point.", "The rate rose by 1"),
        ("The rate rose by 1\u202f250 points.", "The rate rose by 1"),
        ("There were 12\u00a0500 patients.", "500 patients"),
        ("It grew to 10^5 cells.", "It grew to 10"),
        ("The p was below 1.5e-5 here.", "The p was below 1.5e"),
        ("The cafe\u0301 was shut.", "The cafe"),
        ("We find that a =\u0338 b.", "We find that a ="),
        ("In the un\u00adhappy town.", "happy town"),
        ("In the un-\nhappy town.", "happy town"),
        ("A shift of −5 degrees.", "5 degrees"),
        ("In the cafe\u0301, all was shut.", "\u0301, all was shut"),
    ],
)
def test_a_quote_never_cuts_a_word_or_a_number(text, quote):
    assert locate(text, quote) is None
    # Nor where somebody says exactly where it stands.
    assert all(one.quote != quote for one in check(quote, text, start=text.find(quote)).citations)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("In all a shift of −5 degrees was seen in the lake.", "−5 degrees was seen in the lake."),
        ("In all .5 points of the rate were lost.", ".5 points of the rate were lost."),
        ("In all 12\u202f500 people were seen in the town.", "12\u202f500 people were seen in the town."),
        ("In all 1/2 of the people were seen.", "1/2 of the people were seen."),
    ],
)
def test_a_quote_is_put_right_with_the_whole_of_its_number(text, meant):
    given = re.split(r"[−./\u202f]", meant, maxsplit=1)[1].removesuffix(".")
    checked = check(given, text, start=text.find(given))
    assert checked.verdict is Verdict.REPAIRED
    assert [one.quote for one in checked.citations] == [meant]


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ("The cafe\u0301 of Zu\u0308rich was shut.", "The café of Zürich"),
        ("The café of Zürich was shut.", "The cafe\u0301 of Zu\u0308rich"),
        ("The na\u0131\u0308ve \u200fword\u200e stands here.", "word stands here"),
        ("A star ★\ufe0f shines on the lake.", "star ★ shines on"),
        ("All have IL-\n6 and COVID\x02\n19 by now.", "have IL-6 and COVID-19 by now"),
        ("From 10-\n20 of them.", "From 10-20 of them"),
        ("At 12 500 and 3 of us.", "3 of us"),
    ],
)
def test_a_quote_is_found_however_its_characters_are_written(text, quote):
    found = locate(text, quote)
    assert found is not None
    assert normalise(text[found.start : found.end]).text == normalise(quote).text


def test_an_altered_quote_is_replaced_by_the_stored_text_and_marked():
    sentence = SENTENCES[3]
    checked = check(sentence.replace("increased", "has increased"))
    assert checked.verdict is Verdict.REPAIRED
    assert checked.text == sentence
    assert checked.citations[0].quote == sentence


@pytest.mark.parametrize("around", ["{}.", "“{}.”", '"{}"', "{} "])
def test_a_claim_that_is_its_altered_quote_is_replaced_whatever_stands_around_it(around):
    altered = SENTENCES[0].replace("increased", "decreased").removesuffix(".")
    checked = check(altered, claim=around.format(altered))
    assert (checked.verdict, checked.text) == (Verdict.REPAIRED, SENTENCES[0])


@pytest.mark.parametrize(
    ("quote", "claim"),
    [("5 points of it were lost.", ".5 points of it were lost."), ("A board of 5″", "A board of 5′")],
)
def test_a_claim_that_differs_from_its_quote_by_one_mark_is_not_verbatim(quote, claim):
    assert check(quote, quote, claim=claim).verdict is not Verdict.VERBATIM
    assert check(quote, quote, claim=f"“{quote}”").verdict is Verdict.VERBATIM


def test_a_claim_in_other_words_keeps_its_text_when_its_quote_is_repaired():
    sentence = SENTENCES[0]
    checked = check(sentence.replace("adult", "young adult"), claim="The enzyme raised it by 12.5 %.")
    assert checked.verdict is Verdict.REPAIRED
    assert checked.text == "The enzyme raised it by 12.5 %."


def test_a_quote_from_nowhere_is_dropped():
    checked = check("Penguins hold the patent on semaphores since the great frost.")
    assert checked.citations == ()
    assert checked.verdict is Verdict.UNCITED


def test_a_citation_of_an_unknown_source_never_stays():
    cited = Citation(source="nobody", start=0, end=4, quote="Some")
    checked = Checker({}.get).check(Claim(id="c", text="Some", citations=(cited,)))
    assert (checked.verdict, checked.citations) == (Verdict.UNCITED, ())


def test_a_quote_with_an_ellipsis_is_cited_part_by_part_in_order():
    text = "The pump starts at nine each day. It hums. The valve closes at noon each day."
    checked = check("The pump starts at nine ... The valve closes at noon", text)
    assert [one.quote for one in checked.citations] == ["The pump starts at nine", "The valve closes at noon"]
    assert checked.verdict is Verdict.TERMS_MATCH
    backwards = check("The valve closes at noon ... The pump starts at nine", text)
    assert backwards.verdict is not Verdict.VERBATIM


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ("The drug is, in all, not safe for children.", "The drug is ... safe for children"),
        ("The drug is never safe for adults. It is safe for children.", "The drug is … safe for children"),
        ("The drug is mild. Nobody says it isn't safe for children.", "The drug is [...] safe for children"),
    ],
)
def test_no_ellipsis_leaves_a_negation_out(text, quote):
    checked = check(quote, text, claim="The drug is safe for children.")
    assert [one.quote for one in checked.citations] != ["The drug is", "safe for children"]
    assert checked.verdict in (Verdict.REPAIRED, Verdict.UNCITED)


def test_an_ellipsis_may_leave_out_sentences_that_negate_something_else():
    text = "The pump starts at nine. It is not loud. The valve closes at noon."
    checked = check("The pump starts at nine ... The valve closes at noon", text)
    assert [one.quote for one in checked.citations] == ["The pump starts at nine", "The valve closes at noon"]


def test_a_claim_about_its_quote_is_marked_by_its_terms():
    text = "JupyterHub starts 12 servers for Ada in 2021, and stops them at night."
    quote = "JupyterHub starts 12 servers for Ada"
    assert (
        check(quote, text, claim="A dozen: 12 servers are started by JupyterHub.").verdict
        is Verdict.TERMS_MATCH
    )
    assert check(quote, text, claim="JupyterHub starts 13 servers.").verdict is Verdict.TERMS_MISSING
    assert check(quote, text, claim="For Ada, KubeSpawner starts them.").verdict is Verdict.TERMS_MISSING
    assert check(quote, text, claim="It does not start servers.").verdict is Verdict.TERMS_MISSING


def test_missing_terms_are_named():
    passage = "In 1,200 patients, IL-6 rose by 4.5 percent; jupyter_server was not involved."
    assert missing_terms("IL-6 rose by 4.5 percent in 1200 patients.", passage) == []
    assert missing_terms("IL-10 rose by 4.6 percent in Boston.", passage) == ["10", "4.6", "Boston"]
    assert missing_terms("The level never rose.", "The level rose.") == ["never"]


def test_endless_words_spaces_and_marks_take_no_time_of_their_own():
    """Each would take minutes if it took the square of its length, and hold up the whole server."""
    assert missing_terms("a" * 300_000 + " is 12.", "It is 12.") == []
    assert check("The enzyme increased" + " " * 150_000 + "penguins twice").verdict is not Verdict.VERBATIM
    assert normalise("a" + "\ufe0f" * 300_000).text == "a"


def test_a_name_is_there_however_its_accents_are_written():
    assert missing_terms("In Zu\u0308rich and Orléans.", "From Zürich to Orle\u0301ans.") == []


def test_a_raised_point_makes_one_number():
    passage = "The hazard ratio was 0·85 in Europe, and ١٢٫٥ in Asia."
    assert missing_terms("The ratio was 0.85 in Europe and 0·85 there; ١٢٫٥ in Asia.", passage) == []
    assert missing_terms("The ratio was 85.", passage) == ["85"]


def test_sources_are_numbered_in_order_of_first_use_and_once():
    registry = Registry()
    made = [Source(id=name, number=0, kind="text", title=name.upper()) for name in ("b", "a", "b")]
    assert [registry.use(source).number for source in made] == [1, 2, 1]
    assert [source.id for source in registry.numbered()] == ["b", "a"]


def test_nearest_finds_nothing_where_nothing_is_alike():
    assert nearest("Alpha beta gamma delta epsilon zeta.", "one two three four five") is None
    assert nearest("", "one two three") is None


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=200))
def test_normalising_any_text_keeps_its_places(text):
    plain = normalise(text)
    assert len(plain.origin) == len(plain.text) + 1
    assert all(a <= b for a, b in zip(plain.origin, plain.origin[1:], strict=False))
    assert plain.origin[-1] == len(text)


@given(st.text(max_size=120), st.text(max_size=60))
def test_whatever_is_located_is_the_quote_but_for_typography(text, quote):
    for found in (locate(text, quote), nearest(text, quote)):
        if found is not None:
            assert 0 <= found.start < found.end <= len(text)
    found = locate(text, quote)
    if found is not None:
        assert normalise(text[found.start : found.end]).text == normalise(quote).text


@given(
    st.lists(st.sampled_from(["alpha", "beta", "12", "3.5", "not", "-", ".", "Gamma", "\n\n"]), max_size=40)
)
def test_every_citation_that_is_given_is_exact_at_its_span(parts):
    text = " ".join(parts)
    checked = check("alpha beta not 12 gamma", text)
    assert spans_hold(checked, text)
