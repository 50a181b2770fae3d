"""The index that lies beside a configured library: built once, used by every server, written by none."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from conftest import Person

from jupyter_research.analysts.collection import Collection
from jupyter_research.documents import IndexUnusable, SharedLibrary
from jupyter_research.errors import PathRefused
from jupyter_research.runtime import build_index
from jupyter_research.work import Place

TOPIC = "how does a tide mill turn its wheel?"
TEXTS = {
    "mill.md": "# The tide mill\n\nThe wheel of a tide mill is turned by the water that leaves its pond.\n",
    "week 2/gates.txt": "The sluice gate of a tide mill is closed by the water itself.\n",
    "broken.pdf": "no PDF at all",
}


def silent(done: int, total: int, name: str) -> None:
    """Report nothing."""


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """Give a folder of an administrator's with its index."""
    folder = (tmp_path / "course").resolve()
    for name, text in TEXTS.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
        # What was written a moment ago is read again, to be sure.
        os.utime(folder / name, (1_700_000_000, 1_700_000_000))
    build_index(folder, silent)
    return folder


@pytest.fixture
def research_config(course: Path) -> dict[str, Any]:
    return {"libraries": {"course": str(course)}}


@pytest.fixture
def place(course: Path, tmp_path: Path) -> Place:
    (tmp_path / "root").mkdir(exist_ok=True)
    return Place(root=tmp_path / "root", folder=tmp_path / "root", libraries={"course": course})


def collection(place: Place, tmp_path: Path, *sources: str) -> Collection:
    return Collection(owner="ann", place=place, sources=sources, indexes=tmp_path / "indexes")


@pytest.fixture
def library(place: Place, tmp_path: Path) -> Iterator[SharedLibrary]:
    given = collection(place, tmp_path, "course")
    with closing(given.open(given.files())) as library:
        assert isinstance(library, SharedLibrary)
        yield library


def inside(folder: Path) -> dict[str, bytes]:
    """Give all files beneath a folder."""
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_link_in_the_place_of_its_folder_is_not_followed(tmp_path: Path) -> None:
    # Planted by somebody who may write to the course, for when root builds the index.
    course, elsewhere = tmp_path / "course", tmp_path / "elsewhere"
    course.mkdir()
    elsewhere.mkdir(mode=0o700)
    (elsewhere / "library.sqlite.new").write_text("somebody's")
    before = os.stat(elsewhere).st_mode
    (course / ".jupyter_research").symlink_to(elsewhere)
    with pytest.raises(PathRefused, match="is a link, or belongs to somebody else"):
        build_index(course, silent)
    assert inside(elsewhere) == {str(elsewhere / "library.sqlite.new"): b"somebody's"}
    assert os.stat(elsewhere).st_mode == before


def test_folder_of_somebody_else_is_not_taken(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = inside(course)
    monkeypatch.setattr(os, "geteuid", lambda: os.stat(course).st_uid + 1)
    with pytest.raises(PathRefused, match="belongs to somebody else"):
        build_index(course, silent)
    assert inside(course) == before


async def test_a_session_quotes_it_and_writes_no_index(me: Person, course: Path, data_dir: Path) -> None:
    before = inside(course)
    started = await me.start(TOPIC, researcher="analysts", options={"sources": ["course"], "analysts": 1})
    ended = await me.until(started["session_id"], "completed", "failed")
    assert ended["state"] == "completed", ended["error"]
    report = await me.get(f"sessions/{started['session_id']}/report?format=json")
    assert {source["path"] for source in report["sources"]} >= {str(course / "mill.md")}
    assert [line for line in report["limitations"] if "could not be read" in line] == [
        f"{course / 'broken.pdf'} could not be read: not a PDF."
    ]
    assert not list(data_dir.glob("indexes/*"))
    assert inside(course) == before


def test_what_has_changed_since_is_named_and_quoted_as_it_was(
    course: Path, place: Place, tmp_path: Path
) -> None:
    (course / "mill.md").write_text("Nothing about mills any more.", encoding="utf-8")
    (course / "week 2" / "gates.txt").unlink()
    (course / "new.md").write_text("A new mill.", encoding="utf-8")
    given = collection(place, tmp_path, "course")
    with closing(given.open(given.files())) as library:
        assert library.hashes() == {}
        indexed = library.refresh()
        found = library.search("tide mill wheel")
    reasons = {Path(failure.name).name: failure.reason.split(",")[0] for failure in indexed.failures}
    assert reasons == {
        "broken.pdf": "not a PDF",
        "gates.txt": "gone since its library's index was built",
        "mill.md": "changed since its library's index was built",
        "new.md": "not in its library's index: newer than it",
    }
    assert "The wheel of a tide mill" in found[0].text


def test_building_again_reads_what_has_changed_alone(course: Path) -> None:
    (course / "new.md").write_text("A new mill with a new wheel.", encoding="utf-8")
    indexed, path = build_index(course, silent)
    assert (indexed.read, indexed.unchanged, len(indexed.documents)) == (1, 2, 3)
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    assert path.stat().st_mode & 0o777 == 0o644


def test_what_not_everybody_may_read_stays_out_of_it(course: Path, tmp_path: Path) -> None:
    (course / "grades.txt").write_text("The grades of the mill.")
    (course / "grades.txt").chmod(0o640)
    (course / "staff").mkdir(mode=0o750)
    (course / "staff" / "notes.txt").write_text("The notes of the mill.")
    (tmp_path / "secret.txt").write_text("The secret of the mill.")
    (course / "link.txt").symlink_to(tmp_path / "secret.txt")
    indexed, path = build_index(course, silent)
    assert {Path(document.name).name for document in indexed.documents} == {"mill.md", "gates.txt"}
    reasons = {one.name: one.reason for one in indexed.failures}
    assert (
        reasons["grades.txt"]
        == reasons["staff/notes.txt"]
        == "not everybody who may read the folder may read it"
    )
    assert "link" in reasons["link.txt"]
    assert b"grades" not in path.read_bytes()


def test_it_is_open_to_those_to_whom_the_folder_is(course: Path) -> None:
    for mode, expected in ((0o700, 0o600), (0o750, 0o640), (0o755, 0o644)):
        course.chmod(mode)
        _, path = build_index(course, silent)
        assert path.stat().st_mode & 0o777 == expected
        assert path.parent.stat().st_mode & 0o777 == mode
        assert path.stat().st_gid == course.stat().st_gid


def test_a_library_that_is_mounted_elsewhere_is_the_same(course: Path, place: Place, tmp_path: Path) -> None:
    there = course.rename(tmp_path / "mounted")
    moved = Place(root=place.root, folder=place.folder, libraries={"course": there})
    given = collection(moved, tmp_path, "course")
    with closing(given.open(given.files())) as library:
        assert {one.name for one in library.refresh().failures} == {str(there / "broken.pdf")}
        assert library.search("sluice gate")[0].document.path == there / "week 2" / "gates.txt"


def test_a_process_that_may_write_nothing_searches_it(course: Path) -> None:
    # Root may write everything: the child gives that up, once everything it needs is imported.
    code = f"""
import os
from pathlib import Path
from jupyter_research.analysts.collection import Collection
from jupyter_research.work import Place
course = Path({str(course)!r})
place = Place(root=course, folder=course, libraries={{"course": course}})
given = Collection(owner="ann", place=place, sources=("course",), indexes=Path("/nowhere"))
for turn in range(2):
    library = given.open(given.files())
    indexed = library.refresh()
    print(type(library).__name__, len(indexed.documents), library.search("sluice gate")[0].document.name)
    library.close()
    if os.geteuid() == 0:
        os.setegid(65534), os.seteuid(65534)
try:
    (course / ".jupyter_research" / "new").touch()
except PermissionError:
    print("the fault did happen")
"""
    for folder in (course, *course.parents):
        if os.geteuid() == 0 and folder.stat().st_uid == 0 and "pytest-of" in str(folder):
            folder.chmod(0o755)
    for folder in (course, course / ".jupyter_research"):
        folder.chmod(0o555)
    root = Path(__file__).resolve().parents[1]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root)
    found = "SharedLibrary 2 week 2/gates.txt"
    assert done.stdout.splitlines() == [found, found, "the fault did happen"], done.stderr


def test_with_other_sources_it_is_copied_and_only_those_are_read(
    course: Path, place: Place, tmp_path: Path
) -> None:
    (tmp_path / "root" / "own.md").write_text("My own mill has a wheel of oak.", encoding="utf-8")
    given = collection(place, tmp_path, "course", "own.md")
    with closing(given.open(given.files())) as library:
        indexed = library.refresh()
        assert (indexed.read, indexed.unchanged, len(indexed.documents)) == (1, 2, 3)
        assert {one.document.path.name for one in library.search("wheel")} == {"mill.md", "own.md"}


def _another_version(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 1")


def _garbage(path: Path) -> None:
    path.write_bytes(b"garbage" * 1000)


def _another_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {version}")


@pytest.mark.parametrize("spoil", [_another_version, _garbage, _another_database])
def test_an_index_that_cannot_be_used_costs_a_reading_of_ones_own(
    course: Path, place: Place, tmp_path: Path, spoil: Any
) -> None:
    path = SharedLibrary.place(course)
    path.chmod(0o600)
    spoil(path)
    with pytest.raises(IndexUnusable):
        SharedLibrary.beside(course, ())
    given = collection(place, tmp_path, "course")
    with closing(given.open(given.files())) as library:
        assert library.refresh().read == 2
    assert given.index.exists()
    assert build_index(course, silent)[0].read == 2


def test_unchanged_files_are_known_by_their_hashes(
    course: Path, place: Place, tmp_path: Path, library: SharedLibrary
) -> None:
    given = collection(place, tmp_path, "course")
    hashes = {document.path: document.hash for document in library.documents()}
    assert given.hashes(given.files()) == hashes
    assert set(hashes) == {course / "mill.md", course / "week 2" / "gates.txt"}


def test_it_is_no_document_itself(course: Path, library: SharedLibrary) -> None:
    assert {Path(one.name).name for one in library.documents()} == {"mill.md", "gates.txt"}
