"""Page through the sessions of several folders at once, newest first."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from ..errors import InvalidRequest
from ..events import Snapshot

#: The number of one's own folder; those of other servers begin with 1.
OWN: Final = 0

_FORM: Final = re.compile(r"([0-9]{1,18})((?:-[0-9]{1,2}\.[0-9]{1,18})*)")

#: A session with the number of its row, to go on from.
Numbered = tuple[int, Snapshot]


@dataclass(frozen=True, slots=True)
class Cursor:
    """Hold, for each folder, the row before which the next page begins."""

    before: Mapping[int, int] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str | None) -> Cursor:
        """Read what an earlier answer gave as `next`."""
        if text is None:
            return cls()
        form = _FORM.fullmatch(text)
        if form is None:
            raise InvalidRequest("before must be the `next` of an earlier answer.")
        others = re.findall(r"-([0-9]+)\.([0-9]+)", form[2])
        return cls({OWN: int(form[1]), **{int(folder): int(row) for folder, row in others}})

    def __str__(self) -> str:
        """Write it as `next`."""
        others = (f"-{folder}.{row}" for folder, row in sorted(self.before.items()) if folder != OWN)
        return f"{self.before.get(OWN, 10**18 - 1)}{''.join(others)}"

    def of(self, folder: int) -> int | None:
        """Give the row before which a folder's page begins; None for its newest."""
        return self.before.get(folder)


def page(
    cursor: Cursor, folders: Mapping[int, Iterable[Numbered]], limit: int
) -> tuple[list[Snapshot], Cursor | None]:
    """Merge the newest of each folder into one page, and say where the next begins.

    Args:
        cursor: where this page begins.
        folders: the sessions of each folder, newest first, one more than `limit` where there are so many.
        limit: how many the page holds.
    """
    streams = [[(folder, row, one) for row, one in rows] for folder, rows in folders.items()]
    merged = list(heapq.merge(*streams, key=lambda entry: entry[2]["created"] or "", reverse=True))
    taken, rest = merged[:limit], merged[limit:]
    before = {**cursor.before, **{folder: row for folder, row, _ in taken}}
    return [one for _, _, one in taken], Cursor(before) if rest else None
