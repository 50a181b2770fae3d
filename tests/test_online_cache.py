"""Keep answers of online sources on disk, whatever becomes of the disk."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from jupyter_research.sources.online.cache import HttpCache

URL = "https://api.example.org/works?query=comets"
HEADERS = {"cache-control": "max-age=60", "content-type": "application/json", "etag": '"1"'}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "answers.sqlite"


def test_an_answer_is_kept_with_its_validators(path: Path):
    cache = HttpCache(path)
    cache.keep(URL, URL, HEADERS, b"{}")
    cache.close()
    again = HttpCache(path)
    stored = again.find(URL)
    again.close()
    assert stored is not None
    assert (stored.body, stored.validators) == (b"{}", {"If-None-Match": '"1"'})


def test_a_damaged_file_is_begun_anew(path: Path):
    path.write_bytes(b"This is no database, and it is long enough to be seen as none." * 100)
    cache = HttpCache(path)
    assert cache.find(URL) is None
    cache.keep(URL, URL, HEADERS, b"{}")
    assert cache.find(URL) is not None
    cache.close()


def test_a_file_that_another_session_holds_stays_as_it_is(path: Path, monkeypatch: pytest.MonkeyPatch):
    cache = HttpCache(path)
    cache.keep(URL, URL, HEADERS, b"{}")
    cache.close()
    monkeypatch.setattr("jupyter_research.sources.online.cache._PATIENCE", 0)
    with closing(sqlite3.connect(path)) as other:
        other.execute("pragma locking_mode=exclusive")
        other.execute("begin exclusive")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            HttpCache(path)
    again = HttpCache(path)
    assert again.find(URL) is not None
    again.close()


def test_an_answer_that_is_damaged_is_asked_for_again(path: Path):
    cache = HttpCache(path)
    cache.keep(URL, URL, HEADERS, b"{}")
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("update answers set body = x'00'")
    assert cache.find(URL) is None
    cache.close()


def test_where_nothing_can_be_stored_research_goes_on(path: Path):
    cache = HttpCache(path)
    other = sqlite3.connect(path)
    other.execute("drop table answers")
    other.commit()
    other.close()
    cache.keep(URL, URL, HEADERS, b"{}")
    cache.renew(URL, HEADERS)
    assert cache.find(URL) is None
    cache.close()
