"""What a DataFrame says in sentences, and what it does not."""

from __future__ import annotations

import pandas
import pytest

from jupyter_research.errors import InvalidRequest
from jupyter_research.frames import describe

FRAME = pandas.DataFrame(
    {
        "depth": [1.0, 2.0, 3.0, None, float("inf")],
        "oxygen": pandas.array([8, 6, 4, 3, None], dtype="Int64"),
        "lake": ["Como", "Como", "Garda", "Garda", "Garda"],
        "person": ["Ann Onymous", "Bea Secret", "Cy Pher", "Di Screet", "Ed Hidden"],
        "day": pandas.date_range("2024-01-01", periods=5),
        "sure": [True, False, True, True, True],
        "tags": [["a"], ["b"], [], [], []],
        "kind": pandas.Categorical(["x", "x", "x", "x", "x"], categories=["x", "y"]),
    }
)


@pytest.mark.parametrize(
    "sentence",
    [
        "The DataFrame lakes has 5 rows and 8 columns: depth, oxygen, lake, person, day, sure, tags, kind.",
        "The column depth of lakes holds numbers and has a value in 4 of 5 rows.",
        "The mean of depth is 2, its median 2, its minimum 1 and its maximum 3.",
        "The standard deviation of depth is 1.",
        "lake has 2 different values.",
        "The commonest values of lake are Garda (3 rows), Como (2 rows).",
        "The earliest day is 2024-01-01 00:00:00 and the latest 2024-01-05 00:00:00.",
        "The commonest values of sure are True (4 rows).",
        "The column tags of lakes holds texts or other values and has a value in 5 of 5 rows.",
        "Where lake is Garda, the mean of oxygen is 3.5 over 2 rows.",
    ],
)
def test_what_can_be_counted_is_said(sentence: str) -> None:
    assert sentence in describe(FRAME, "lakes").replace("\n", " ")


def test_correlations_are_pearsons() -> None:
    frame = FRAME[["depth", "oxygen"]].head(3)
    expected = frame["depth"].corr(frame["oxygen"])
    assert f"The correlation of depth and oxygen is {expected:.2f} (Pearson, over 3 rows)." in describe(
        frame, "x"
    )


def test_single_rows_are_not_told() -> None:
    assert "Secret" not in describe(FRAME, "lakes")


def test_odd_tables_are_described_too() -> None:
    wide = pandas.DataFrame([range(150)])
    assert "Only the first 100 columns are described." in describe(wide, "wide")
    nested = pandas.DataFrame({("a", "b\n# c"): [1, 1]})
    assert "## a / b # c\n" in describe(nested, "nested")
    assert "has a value in 0 of 2 rows." in describe(pandas.DataFrame({"x": [None, None]}), "empty")
    twice = pandas.DataFrame([[1, "a"], [2, "b"]], columns=["same", "same"])
    assert describe(twice, "twice").count("## same") == 2
    assert "\nz" not in describe(pandas.DataFrame({"x": ["y\nz"] * 2}), "lines")


@pytest.mark.parametrize("value", [None, [1], {"a": [1]}, FRAME["lake"], pandas.DataFrame()])
def test_what_is_no_table_is_refused(value: object) -> None:
    with pytest.raises(InvalidRequest):
        describe(value, "it")
