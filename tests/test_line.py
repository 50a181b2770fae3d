"""Hold how the line of a magic is read."""

from __future__ import annotations

import pytest

from jupyter_research.errors import InvalidRequest
from jupyter_research.line import Line, parse


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("what?", Line(topic="what?")),
        ("-- --what?", Line(topic="--what?")),
        ("--ask what --yes means?", Line(topic="what --yes means?", flags={"ask": True})),
        ("--source a --source=b c", Line(topic="c", options={"sources": ["a", "b"]})),
        ("--source 'my papers' why?", Line(topic="why?", options={"sources": ["my papers"]})),
        ('--source="my papers" why?', Line(topic="why?", options={"sources": ["my papers"]})),
        ("--analysts 4 --turns=1 x", Line(topic="x", options={"analysts": 4, "turns": 1})),
        ("--budget calls=5,money=0.5 x", Line(topic="x", options={"budget": {"calls": 5, "money": 0.5}})),
        (
            "--local-only --model extractive x",
            Line(topic="x", options={"local_only": True, "model": "extractive"}),
        ),
        (
            "--researcher r --set n=3 --set w=it's x",
            Line(topic="x", researcher="r", options={"n": 3, "w": "it's"}),
        ),
        ("--in-kernel --wait --new x", Line(topic="x", flags={"in_kernel": True, "wait": True, "new": True})),
        ("--budget 0.50 x", Line(topic="x", options={"budget": {"money": 0.5}})),
        ("--open abc", Line(topic="abc", open=True)),
        ("", Line()),
    ],
)
def test_options_stand_before_the_topic(line: str, meant: Line) -> None:
    assert parse(line) == meant


def test_a_cell_magic_takes_its_topic_from_below_only() -> None:
    with pytest.raises(InvalidRequest, match="stands below"):
        parse("a topic here", "and one there")
    with pytest.raises(InvalidRequest, match="empty"):
        parse("", "  \n")
