"""Keep each person's choices."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_research.errors import StorageFailed
from jupyter_research.models.defaults import Defaults


def test_choices_of_one_person_are_nobody_elses(tmp_path: Path):
    defaults = Defaults(tmp_path / "defaults.json")
    defaults.keep("alice", {"turns": 1})
    defaults.keep("bob", {"turns": 3})
    defaults.keep("bob", {})
    assert (defaults.of("alice"), defaults.of("bob")) == ({"turns": 1}, {})


@pytest.mark.parametrize("content", ["{", "[]"])
def test_a_file_that_cannot_be_read_is_no_choice_and_is_not_written_over(tmp_path: Path, content: str):
    file = tmp_path / "defaults.json"
    file.write_text(content)
    defaults = Defaults(file)
    assert defaults.of("alice") == {}
    with pytest.raises(StorageFailed, match="mend or remove it"):
        defaults.keep("alice", {"turns": 1})
    assert file.read_text() == content
