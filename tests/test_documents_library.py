"""Hold the library: what a refresh reads, keeps, forgets and names; what a search gives."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest

from jupyter_research.documents import Failure, FileRef, Indexed, Library
from jupyter_research.documents.opening import read
from jupyter_research.documents.parsing import Unreadable
from jupyter_research.errors import Halted, SessionCancelled, SourceNotFound
from jupyter_research.work import Control

DEADLINE = 90


def _refs(folder: Path) -> list[FileRef]:
    files = sorted(path for path in folder.rglob("*") if path.is_file() or path.is_symlink())
    return [FileRef(path=path, name=str(path.relative_to(folder))) for path in files]


def children() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if parses(child)]


def parses(process: psutil.Process) -> bool:
    try:
        return "documents.child" in " ".join(process.cmdline())
    except psutil.Error:
        return False


def until(found: Callable[[], bool]) -> None:
    until = time.monotonic() + DEADLINE
    while not found():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.01)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = (tmp_path / "papers").resolve()
    folder.mkdir()
    return folder


@pytest.fixture
def index(tmp_path: Path) -> Path:
    return tmp_path / "indexes" / "papers.sqlite"


@pytest.fixture
def open_library(index: Path, folder: Path) -> Iterator[Callable[[], Library]]:
    opened: list[Library] = []

    def make() -> Library:
        opened.append(Library(index, _refs(folder)))
        return opened[-1]

    yield make
    for library in opened:
        library.close()
    assert children() == []


def refresh(open_library: Callable[[], Library]) -> Indexed:
    return open_library().refresh()


def test_passages_are_found_with_their_place(folder: Path, open_library: Callable[[], Library]) -> None:
    (folder / "comets.md").write_text(
        "# Comets\n\nIntroduction.\n\n## Tails\n\nThe tail of a comet points away.\n"
    )
    (folder / "stars.txt").write_text("Stars do not have tails.\n")
    library = open_library()
    library.refresh()
    best = library.search("where do tails of comets point?")[0]
    assert (best.document.name, best.document.title, best.heading) == ("comets.md", "Comets", "Tails")
    assert best.text == "The tail of a comet points away."
    assert library.text(best.document.id)[best.start : best.end] == best.text
    assert best.document.path.read_text()[best.start : best.end] == best.text
    assert best.document.id == f"d{best.document.hash.removeprefix('sha256:')[:16]}"
    assert [passage.score for passage in library.search("tails")] == sorted(
        (passage.score for passage in library.search("tails")), reverse=True
    )
    assert library.passages(best.document.id)[-1].text == best.text
    assert (library.frequency("tail"), library.frequency("tails"), library.frequency("moon")) == (2, 2, 0)
    assert library.size() == 3


def test_a_word_in_the_title_weighs_more(folder: Path, open_library: Callable[[], Library]) -> None:
    (folder / "a.md").write_text("# Weather\n\nOne word about comets, and then more words about rain.\n")
    (folder / "b.md").write_text("# Comets\n\nOne word about weather, and then more words about rain.\n")
    library = open_library()
    library.refresh()
    assert [passage.document.title for passage in library.search("comets")] == ["Comets", "Weather"]


@pytest.mark.parametrize(
    "query",
    [
        '"',
        "AND",
        "comet* OR NEAR(a b)",
        "title:comet",
        "-comet",
        "^comet",
        "a'b\"c",
        "\x00",
        "",
        "   ",
        "?!",
        "{x} + y",
    ],
)
def test_whatever_is_typed_is_a_query(folder: Path, open_library: Callable[[], Library], query: str) -> None:
    (folder / "a.txt").write_text("A comet and the title near it.")
    library = open_library()
    library.refresh()
    library.search(query)
    library.frequency(query)
    assert library.search(f"{query} comet")


def test_a_query_of_stop_words_alone_searches_them(folder: Path, open_library: Callable[[], Library]) -> None:
    (folder / "a.txt").write_text("To be or not to be.")
    library = open_library()
    library.refresh()
    assert library.search("to be or not to be")


def test_unchanged_files_are_not_read_again(folder: Path, open_library: Callable[[], Library]) -> None:
    for name in ("a.txt", "b.txt"):
        (folder / name).write_text(f"This is {name}.")
        os.utime(folder / name, (1, 1))
    first, second = refresh(open_library), refresh(open_library)
    assert (first.read, first.unchanged) == (2, 0)
    assert (second.read, second.unchanged, second.hash) == (0, 2, first.hash)


def test_a_file_that_was_only_touched_is_compared_by_its_content(
    folder: Path, open_library: Callable[[], Library]
) -> None:
    (folder / "a.txt").write_text("Words.")
    first = refresh(open_library)
    os.utime(folder / "a.txt", (5, 5))
    assert refresh(open_library).documents == first.documents


def test_an_edit_of_the_same_size_and_time_is_noticed(
    folder: Path, open_library: Callable[[], Library]
) -> None:
    (folder / "a.txt").write_text("Old words.")
    os.utime(folder / "a.txt", (5, 5))
    refresh(open_library)
    (folder / "a.txt").write_text("New words.")
    os.utime(folder / "a.txt", (5, 5))
    refresh(open_library)
    assert [passage.text for passage in open_library().search("words")] == ["New words."]


def test_edited_moved_and_removed_files_are_noticed(
    folder: Path, open_library: Callable[[], Library]
) -> None:
    for name in ("edited", "moved", "removed", "kept"):
        (folder / f"{name}.txt").write_text(f"The {name} comet.")
    before = refresh(open_library)
    (folder / "edited.txt").write_text("The changed comet.")
    (folder / "moved.txt").rename(folder / "here.txt")
    (folder / "removed.txt").unlink()
    after = refresh(open_library)
    assert [document.name for document in after.documents] == ["edited.txt", "here.txt", "kept.txt"]
    library = open_library()
    texts = {passage.text for passage in library.search("comet")}
    assert texts == {"The changed comet.", "The moved comet.", "The kept comet."}
    assert library.size() == 3 and after.hash != before.hash
    moved = {document.name: document.id for document in before.documents}["moved.txt"]
    assert {document.name: document.id for document in after.documents}["here.txt"] == moved


def test_two_files_of_the_same_content_are_one_document(
    folder: Path, open_library: Callable[[], Library]
) -> None:
    for name in ("a.txt", "b.txt"):
        (folder / name).write_text("The same words.")
    assert [document.name for document in refresh(open_library).documents] == ["a.txt"]
    (folder / "a.txt").unlink()
    assert [document.name for document in refresh(open_library).documents] == ["b.txt"]
    assert len(open_library().search("words")) == 1


@pytest.mark.parametrize(
    "text", ["One passage alone.", "One passage.\n", "# Headed\n\nWords.", "Long words. " * 2000]
)
def test_the_stored_text_is_given_back_whole(
    folder: Path, open_library: Callable[[], Library], text: str
) -> None:
    (folder / "a.md").write_text(text)
    library = open_library()
    (document,) = library.refresh().documents
    assert library.text(document.id) == text and document.chars == len(text)


def test_an_unknown_document_is_a_source_not_found(open_library: Callable[[], Library]) -> None:
    library = open_library()
    for document_id in ("d0000000000000000", "d*", "", "x' OR 1"):
        with pytest.raises(SourceNotFound):
            library.text(document_id)
        assert library.passages(document_id) == []


def test_progress_counts_to_the_number_of_files(folder: Path, open_library: Callable[[], Library]) -> None:
    for number in range(5):
        (folder / f"{number}.txt").write_text(f"Words {number}.")
    seen: list[tuple[int, int, str]] = []
    open_library().refresh(progress=lambda *at: seen.append(at))
    assert [done for done, _, _ in seen] == [1, 2, 3, 4, 5]
    assert {total for _, total, _ in seen} == {5}
    assert {name for _, _, name in seen} == {f"{number}.txt" for number in range(5)}


def test_results_do_not_depend_on_which_child_was_faster(tmp_path: Path, folder: Path) -> None:
    for number in range(60):
        (folder / f"{number}.txt").write_text(f"A comet like the others. {'x' * (number % 7) * 1000}")
    found = []
    for attempt, workers in enumerate((1, 3)):
        library = Library(tmp_path / f"{attempt}.sqlite", _refs(folder)[:: 1 - 2 * attempt], workers=workers)
        library.refresh()
        found.append([(one.document.name, one.score) for one in library.search("comet", 10)])
        library.close()
    assert found[0] == found[1]


# What cannot be read


def test_what_cannot_be_read_is_named_and_the_rest_is_used(
    folder: Path, open_library: Callable[[], Library], tmp_path: Path
) -> None:
    (folder / "good.txt").write_text("Good words.")
    (folder / "corrupt.pdf").write_bytes(b"%PDF-1.4 \x00\x01 nothing")
    (folder / "binary.txt").write_bytes(b"\x00\x01\x02" * 100)
    (folder / "line\nbreak.txt").write_text("Words.")
    (folder / "self.txt").symlink_to("self.txt")
    (folder / "nowhere.txt").symlink_to("absent.txt")
    (tmp_path / "secret.txt").write_text("Secret words.")
    (folder / "out.txt").symlink_to(tmp_path / "secret.txt")
    os.mkfifo(folder / "pipe.txt")
    (folder / f"{'n' * 251}.txt").write_text("A name of 255 bytes.")
    files = [*_refs(folder), FileRef(path=folder / "pipe.txt", name="pipe.txt")]
    files += [FileRef(path=folder / "gone.txt", name="gone.txt"), FileRef(path=folder, name="papers")]
    library = Library(tmp_path / "named.sqlite", files)
    for _ in range(2):
        indexed = library.refresh()
        assert {failure.name: failure.reason for failure in indexed.failures} == {
            "corrupt.pdf": "a damaged PDF",
            "binary.txt": "not text: binary",
            "line\nbreak.txt": "its name holds a line break or another control character: rename it",
            "self.txt": "a link that leads to itself, or out of what may be read",
            "nowhere.txt": "is gone",
            "out.txt": "a link that leads to itself, or out of what may be read",
            "pipe.txt": "not a regular file",
            "gone.txt": "is gone",
            "papers": "a folder that may not be read",
        }
        assert sorted(document.chars for document in indexed.documents) == [11, 20]
    assert not any("Secret" in passage.text for passage in library.search("secret words"))
    library.close()


def test_a_file_that_changes_while_it_is_read_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder / "a.txt"
    path.write_bytes(b"x" * 1000)
    moments, fdopen = iter(range(10)), os.fdopen

    def touch(descriptor: int, *rest: Any, **more: Any) -> Any:
        moment = next(moments) * 10**9
        os.utime(path, ns=(moment, moment))
        return fdopen(descriptor, *rest, **more)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fdopen", touch)
        with pytest.raises(Unreadable, match="changed while it was read"):
            read(path, "text")
    assert next(moments) == 2  # It was read again, once.
    assert len(read(path, "text")[0]) == 1000


def test_a_text_of_200_megabytes_is_named_without_being_read(
    folder: Path, open_library: Callable[[], Library]
) -> None:
    with (folder / "huge.txt").open("wb") as file:
        file.truncate(200 * 1024 * 1024)
    assert refresh(open_library).failures == (Failure(name="huge.txt", reason="larger than 50 MB"),)


def test_a_path_that_has_become_a_link_is_not_read(
    tmp_path: Path, folder: Path, open_library: Callable[[], Library]
) -> None:
    (folder / "in").mkdir()
    (folder / "in" / "a.txt").write_text("Open words.")
    library = open_library()
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "a.txt").write_text("Secret words.")
    (folder / "in").rename(folder / "old")
    (folder / "in").symlink_to(tmp_path / "outside")
    indexed = library.refresh()
    assert [failure.name for failure in indexed.failures] == ["in/a.txt"]
    assert indexed.documents == () and library.search("secret") == []


def test_what_may_not_be_read_is_named(tmp_path: Path) -> None:
    # Root may read everything: the child gives that up before it opens the files.
    code = """
import os, sys, tempfile
from pathlib import Path
from jupyter_research.documents.opening import read
from jupyter_research.documents.parsing import Unreadable
from jupyter_research.sources import resolve
from jupyter_research.work import Place
if os.geteuid() == 0:
    os.setegid(65534), os.seteuid(65534)
with tempfile.TemporaryDirectory() as name:
    folder = Path(name).resolve()
    (folder / "closed").mkdir(mode=0)
    (folder / "no.txt").write_text("Words.")
    (folder / "no.txt").chmod(0)
    try:
        (folder / "no.txt").read_text()
    except PermissionError:
        print("the fault did happen")
    for file in resolve(["."], Place(root=folder, folder=folder)):
        try:
            read(file.path, "text")
        except Unreadable as reason:
            print(file.name, reason)
"""
    root = Path(__file__).resolve().parents[1]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root)
    expected = ["the fault did happen", "no.txt permission denied", "closed permission denied"]
    assert done.stdout.splitlines() == expected, done.stderr


def test_a_failure_is_remembered_until_the_file_changes(
    folder: Path, open_library: Callable[[], Library]
) -> None:
    (folder / "a.pdf").write_bytes(b"no pdf")
    os.utime(folder / "a.pdf", (1, 1))
    for _ in range(2):
        assert refresh(open_library).failures == (Failure(name="a.pdf", reason="not a PDF"),)
    (folder / "a.pdf").write_bytes(b"%PDF-1.4 nor this")
    assert refresh(open_library).failures == (Failure(name="a.pdf", reason="a damaged PDF"),)


def test_the_package_is_imported_without_a_parser() -> None:
    code = (
        "import sys, jupyter_research.documents, jupyter_research.sources\n"
        "print([name for name in ('pypdfium2', 'selectolax', 'langgraph', 'pypdf') if name in sys.modules])"
    )
    root = Path(__file__).resolve().parents[1]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True)
    assert done.stdout == "[]\n"


# Stopping, resuming, sharing


def test_a_control_that_was_cancelled_before_reads_nothing(
    folder: Path, open_library: Callable[[], Library]
) -> None:
    (folder / "a.txt").write_text("Words.")
    control = Control()
    control.cancel()
    with pytest.raises(SessionCancelled):
        open_library().refresh(control=control)


def test_a_drain_keeps_what_was_read_and_the_next_refresh_goes_on(
    folder: Path, open_library: Callable[[], Library]
) -> None:
    for number in range(300):
        (folder / f"{number}.txt").write_text(f"Words {number}.")
        os.utime(folder / f"{number}.txt", (1, 1))
    control = Control()
    with pytest.raises(Halted):
        open_library().refresh(
            control=control,
            progress=lambda done, total, name: control.request_drain() if done == 20 else None,
        )
    kept = len(open_library().documents())
    assert 20 <= kept < 300
    indexed = refresh(open_library)
    assert (indexed.unchanged, indexed.read, len(indexed.documents)) == (kept, 300 - kept, 300)


def test_a_killed_indexing_resumes_where_its_last_batch_ended(
    folder: Path, index: Path, open_library: Callable[[], Library]
) -> None:
    for number in range(2000):
        (folder / f"{number}.txt").write_text(f"Words {number}.")
        os.utime(folder / f"{number}.txt", (1, 1))
    code = (
        "import sys; from pathlib import Path; from jupyter_research.documents import FileRef, Library\n"
        "files = [FileRef(path=path, name=path.name) for path in sorted(Path(sys.argv[1]).iterdir())]\n"
        # However quick it is, it is killed before its end.
        "wait = lambda done, total, name: done < 1900 or sys.stdin.read()\n"
        "Library(Path(sys.argv[2]), files).refresh(progress=wait)"
    )
    root = Path(__file__).resolve().parents[1]
    victim = subprocess.Popen(
        [sys.executable, "-c", code, str(folder), str(index)], cwd=root, stdin=subprocess.PIPE
    )

    def committed() -> int:
        try:
            with closing(sqlite3.connect(f"file:{index}?mode=ro", uri=True)) as connection:
                return int(connection.execute("SELECT count(*) FROM files").fetchone()[0])
        except sqlite3.OperationalError:
            return 0

    with victim:
        until(lambda: committed() > 0)
        victim.kill()
    kept = committed()
    assert 0 < kept < 2000
    indexed = refresh(open_library)
    assert indexed.unchanged == kept and len(indexed.documents) == 2000


def test_two_may_index_at_once(folder: Path, index: Path, open_library: Callable[[], Library]) -> None:
    for number in range(150):
        (folder / f"{number}.txt").write_text(f"The comet number {number}.")
    results: list[Indexed] = []
    libraries = [open_library(), open_library()]
    threads = [threading.Thread(target=lambda one=one: results.append(one.refresh())) for one in libraries]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
    assert [len(indexed.documents) for indexed in results] == [150, 150]
    assert results[0].hash == results[1].hash
    assert libraries[0].size() == 150 and len(libraries[1].search("comet", 500)) == 150


def test_a_search_from_many_threads_while_another_indexes(
    folder: Path, open_library: Callable[[], Library]
) -> None:
    (folder / "first.txt").write_text("The first comet.")
    library = open_library()
    library.refresh()
    for number in range(100):
        (folder / f"{number}.txt").write_text(f"The comet number {number}.")
    writer = threading.Thread(target=open_library().refresh)
    faults: list[BaseException] = []

    def search() -> None:
        try:
            while writer.is_alive():
                assert library.search("comet")
        except BaseException as fault:
            faults.append(fault)

    writer.start()
    readers = [threading.Thread(target=search) for _ in range(3)]
    for reader in readers:
        reader.start()
    for thread in (writer, *readers):
        thread.join(DEADLINE)
    assert faults == [] and len(library.documents()) == 101


def test_the_index_is_ones_own_to_read_and_opens_again_after_a_close(
    folder: Path, index: Path, open_library: Callable[[], Library]
) -> None:
    (folder / "a.txt").write_text("Words.")
    library = open_library()
    assert not index.exists()
    library.refresh()
    assert index.stat().st_mode & 0o777 == 0o600
    library.close()
    assert library.search("words")


@pytest.mark.parametrize("damage", [b"this is no database" * 100, b"SQLite format 3\x00" + b"\xff" * 5000])
def test_an_index_that_is_damaged_is_made_anew(
    folder: Path, index: Path, open_library: Callable[[], Library], damage: bytes
) -> None:
    (folder / "a.txt").write_text("Words.")
    index.parent.mkdir()
    index.write_bytes(damage)
    assert refresh(open_library).read == 1
    assert open_library().search("words")


def test_an_index_of_another_version_is_made_anew(
    folder: Path, index: Path, open_library: Callable[[], Library]
) -> None:
    (folder / "a.txt").write_text("Words.")
    refresh(open_library)
    connection = sqlite3.connect(index)
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    assert open_library().size() == 0
    assert refresh(open_library).read == 1
