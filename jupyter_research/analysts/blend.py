"""Put what several searches found into one order."""

from __future__ import annotations

from collections.abc import Sequence

from ..models import Hit


def blended(*searches: Sequence[Hit]) -> list[Hit]:
    """Give the hits of all searches, best first; of a single search as they are.

    The scores of two indexes cannot be compared (a word is as rare as its index is large), so each
    search's best counts as much as another's.
    """
    found = [hits for hits in searches if hits]
    if len(found) < 2:
        return list(found[0]) if found else []
    once: dict[tuple[str, int], Hit] = {}
    for hits in found:
        best = max(hit["score"] for hit in hits) or 1.0
        for hit in hits:
            scaled = hit.copy()
            scaled["score"] = hit["score"] / best
            once.setdefault((hit["document"], hit["start"]), scaled)
    return sorted(once.values(), key=lambda hit: -hit["score"])
