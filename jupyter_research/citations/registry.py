"""Number the sources of a session."""

from __future__ import annotations

from dataclasses import replace

from ..report import Source


class Registry:
    """Number the sources of one session in order of first use.

    What is not registered cannot be numbered, so an id that no source has never reaches a report.
    """

    def __init__(self) -> None:
        self._sources: dict[str, Source] = {}

    def use(self, source: Source) -> Source:
        """Register a source, or give the one that already has its id."""
        known = self._sources.get(source.id)
        if known is None:
            known = replace(source, number=len(self._sources) + 1)
            self._sources[source.id] = known
        return known

    def numbered(self) -> tuple[Source, ...]:
        """Give the sources by number."""
        return tuple(self._sources.values())
