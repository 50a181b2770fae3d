"""Describe a DataFrame in sentences that a report can quote: its columns, and what can be counted in them.

All of it is computed here, in the kernel; single rows are not told.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from math import inf
from typing import Any, Final

from .errors import InvalidRequest

#: Beyond these a table is described by its first columns, its commonest values, its strongest correlations.
_COLUMNS: Final = 100
_VALUES: Final = 8
_CORRELATED: Final = 30
_PAIRS: Final = 20
#: By how many columns numbers are grouped, how many of them, and over how many groups at most.
_GROUPED_BY: Final = 5
_NUMBERS: Final = 10
_GROUPS: Final = 12
#: A longer value is cut.
_CHARS: Final = 60


def describe(frame: Any, name: str) -> str:
    """Give the description as Markdown, one section a column.

    Raises:
        InvalidRequest: for what is no pandas DataFrame.
    """
    if not _is_frame(frame):
        kind = type(frame).__name__
        raise InvalidRequest(f"{name} is no pandas DataFrame but a {kind}: turn it into one first.")
    if not frame.shape[1]:
        raise InvalidRequest(f"The DataFrame {name} has no column.")
    columns = [_Column(frame, number, name) for number in range(min(frame.shape[1], _COLUMNS))]
    parts = [f"# The DataFrame {name}", _size(frame, name, columns)]
    for column in columns:
        parts += [f"## {column.label}", " ".join(column.sentences())]
    if groups := list(_groups(columns)):
        parts += ["## Groups", *groups]
    if correlations := list(_correlations(columns)):
        parts += ["## Correlations", *correlations]
    return "\n\n".join(parts) + "\n"


class _Column:
    """Hold one column with what it is."""

    def __init__(self, frame: Any, number: int, table: str) -> None:
        from pandas.api import types

        self.values = frame.iloc[:, number]
        self.table = table
        self.label = _shown(frame.columns[number])
        dtype = self.values.dtype
        self.is_flag = types.is_bool_dtype(dtype)
        self.is_number = types.is_numeric_dtype(dtype) and not self.is_flag
        plain = self.is_number and not types.is_complex_dtype(dtype)
        #: The values where they are numbers that can be reckoned with; what is infinite is left out.
        self.numbers = _finite(self.values) if plain else None
        self.is_time = types.is_datetime64_any_dtype(dtype)
        self.present = self.values.dropna()
        self.different = None if self.is_number else _different(self.present)

    def sentences(self) -> Iterator[str]:
        """Say what the column holds."""
        filled = f"{len(self.present):,} of {_rows(len(self.values))}"
        yield f"The column {self.label} of {self.table} holds {self._kind()} and has a value in {filled}."
        if self.present.empty:
            return
        if self.numbers is not None:
            yield from self._moments(self.numbers.dropna())
        elif self.is_time:
            first, last = self.present.min(), self.present.max()
            yield f"The earliest {self.label} is {_shown(first)} and the latest {_shown(last)}."
        elif self.different is not None:
            yield from self._commonest()

    def _kind(self) -> str:
        if self.is_flag:
            return "true and false"
        if self.is_number:
            return "numbers"
        return "dates and times" if self.is_time else "texts or other values"

    def _moments(self, values: Any) -> Iterator[str]:
        if values.empty:
            return
        yield (
            f"The mean of {self.label} is {_number(values.mean())}, its median {_number(values.median())}, "
            f"its minimum {_number(values.min())} and its maximum {_number(values.max())}."
        )
        if len(values) > 1:
            yield f"The standard deviation of {self.label} is {_number(values.std())}."

    def _commonest(self) -> Iterator[str]:
        counts = self.present.value_counts()
        yield f"{self.label} has {self.different:,} different {'value' if self.different == 1 else 'values'}."
        common = counts[counts > 1].head(_VALUES)
        named = [f"{_shown(value)} ({_rows(count)})" for value, count in common.items()]
        if named:
            yield f"The commonest values of {self.label} are {', '.join(named)}."


def _is_frame(frame: Any) -> bool:
    return any(
        kind.__module__.partition(".")[0] == "pandas" and kind.__name__ == "DataFrame"
        for kind in type(frame).__mro__
    )


def _size(frame: Any, name: str, columns: list[_Column]) -> str:
    rows, width = frame.shape
    labels = ", ".join(column.label for column in columns)
    left = f" Only the first {_COLUMNS} columns are described." if width > _COLUMNS else ""
    counted = "1 column" if width == 1 else f"{width:,} columns"
    return f"The DataFrame {name} has {_rows(rows)} and {counted}: {labels}.{left}"


def _groups(columns: list[_Column]) -> Iterator[str]:
    numbers = [(one.label, one.numbers) for one in columns if one.numbers is not None][:_NUMBERS]
    by = [
        one
        for one in columns
        if one.different is not None and 1 < one.different <= _GROUPS and not one.is_time
    ]
    for group in by[:_GROUPED_BY]:
        for label, values in numbers:
            means = values.groupby(group.values, observed=True).agg(["mean", "count"])
            for value, row in means.iterrows():
                if row["count"] > 1:
                    yield (
                        f"Where {group.label} is {_shown(value)}, the mean of {label} is "
                        f"{_number(row['mean'])} over {_rows(int(row['count']))}."
                    )


def _correlations(columns: list[_Column]) -> Iterator[str]:
    numbers = [(one.label, one.numbers) for one in columns if one.numbers is not None][:_CORRELATED]
    found = []
    for (label, one), (label_, other) in combinations(numbers, 2):
        both = one.notna() & other.notna()
        if both.sum() > 2 and one[both].nunique() > 1 and other[both].nunique() > 1:
            found.append((float(one[both].corr(other[both])), int(both.sum()), f"{label} and {label_}"))
    for value, rows, pair in sorted(found, key=lambda item: -abs(item[0]))[:_PAIRS]:
        yield f"The correlation of {pair} is {value:.2f} (Pearson, over {_rows(rows)})."


def _finite(values: Any) -> Any:
    numbers = values.astype("float64")
    return numbers.where(numbers.abs() != inf)


def _different(values: Any) -> int | None:
    try:
        return int(values.nunique())
    except TypeError:
        # Lists and the like cannot be told apart by counting.
        return None


def _rows(number: int) -> str:
    return "1 row" if number == 1 else f"{number:,} rows"


def _number(value: float) -> str:
    return f"{value:,.4g}" if abs(value) < 10_000 else f"{value:,.0f}"


def _shown(value: Any) -> str:
    text = " / ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    text = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return text if len(text) <= _CHARS else f"{text[:_CHARS]}…"
