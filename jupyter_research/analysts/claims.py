"""Turn what a model drafted into claims, for the checker to judge."""

from __future__ import annotations

from ..models import Draft
from ..report import Citation, Claim


def claim_of(draft: Draft, claim_id: str) -> Claim:
    """Give the claim that a draft makes; its verdict is not known yet."""
    return Claim(
        id=claim_id,
        text=draft["text"],
        note=bool(draft.get("note")) and not draft["quotes"],
        citations=tuple(
            Citation(
                source=quote["document"],
                start=quote["start"],
                end=quote["end"],
                quote=quote["quote"],
                page=quote["page"],
                cell=quote["cell"],
                heading=quote["heading"],
            )
            for quote in draft["quotes"]
        ),
    )
