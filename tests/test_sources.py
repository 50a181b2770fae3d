"""Hold what may be read from where, and what is read when nobody says."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from jupyter_research.errors import InvalidRequest, PathRefused, UnknownName
from jupyter_research.sources import check, example_library, fingerprint, resolve, walk
from jupyter_research.sources.ignore import ignored, rules_of
from jupyter_research.sources.unasked import MAX_SECONDS
from jupyter_research.work import Place


def _write(path: Path, text: str = "Something is said here.") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def _names(names: list[str], place: Place) -> list[str]:
    return [file.name for file in resolve(names, place)]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


@pytest.fixture
def place(root: Path) -> Place:
    return Place(root=root, folder=root)


def test_without_a_name_the_documents_of_the_notebooks_folder_are_read(root: Path) -> None:
    for name in ("a.md", "b.txt", "c.rst", "d.html", "e.pdf", "f.docx", "g.epub", "in/h.md"):
        _write(root / "notes" / name)
    for name in ("code.py", "data.csv", "book.ipynb", "picture.png"):
        _write(root / "notes" / name)
    _write(root / "elsewhere.md")
    found = _names([], Place(root=root, folder=root / "notes"))
    assert found == [
        f"notes/{name}"
        for name in ["a.md", "b.txt", "c.rst", "d.html", "e.pdf", "f.docx", "g.epub", "in/h.md"]
    ]


@pytest.mark.parametrize(
    "hidden",
    [
        ".hidden/a.md",
        ".ipynb_checkpoints/a.md",
        "node_modules/x/a.md",
        "lib/site-packages/a.md",
        ".a.md",
        "~$a.docx",
    ],
)
def test_what_is_nobodys_document_is_left_out(root: Path, place: Place, hidden: str) -> None:
    _write(root / hidden)
    _write(root / "kept.md")
    assert _names([], place) == ["kept.md"]
    assert _names(["."], place) == ["kept.md"]


def test_environments_are_left_out(root: Path, place: Place) -> None:
    _write(root / "env" / "pyvenv.cfg")
    _write(root / "env" / "share" / "a.md")
    _write(root / "kept.md")
    assert _names([], place) == ["kept.md"]


def test_a_named_folder_takes_code_notebooks_and_tables(root: Path, place: Place) -> None:
    for name in ("a.md", "b.py", "c.ipynb", "d.csv"):
        _write(root / "in" / name)
    assert _names(["in"], place) == ["in/a.md", "in/b.py", "in/c.ipynb", "in/d.csv"]


def test_gitignore_holds_unasked_and_gives_way_to_a_name(root: Path, place: Place) -> None:
    (root / ".git").mkdir()
    _write(root / ".gitignore", "drafts/\n*.txt\n!kept.txt\n/top.md\n")
    for name in ("drafts/a.md", "b.txt", "kept.txt", "top.md", "in/top.md"):
        _write(root / name)
    assert _names([], place) == ["kept.txt", "in/top.md"]
    assert _names([], Place(root=root, folder=root / "in")) == ["in/top.md"]
    assert _names(["drafts"], place) == ["drafts/a.md"]


@pytest.mark.parametrize(
    ("line", "path", "is_folder", "expected"),
    [
        ("*.log", "a/b/x.log", False, True),
        ("build/", "a/build", True, True),
        ("build/", "a/build", False, False),
        ("/build", "a/build", True, False),
        ("a/*.md", "a/x.md", False, True),
        ("a/*.md", "a/b/x.md", False, False),
        ("a/**/x.md", "a/x.md", False, True),
        ("a/**/x.md", "a/b/c/x.md", False, True),
        ("**/x.md", "a/x.md", False, True),
        ("a/**", "a/b/c", False, True),
        ("x?.md", "x1.md", False, True),
        ("x[0-9].md", "x1.md", False, True),
        ("x[!0-9].md", "x1.md", False, False),
        ("# x", "# x", False, False),
        (r"\#x", "#x", False, True),
        ("[", "[", False, True),
    ],
)
def test_gitignore_patterns(root: Path, line: str, path: str, is_folder: bool, expected: bool) -> None:
    _write(root / ".gitignore", line)
    assert ignored(root / path, is_folder, rules_of(root)) is expected


def test_relative_names_start_at_the_notebooks_folder(root: Path) -> None:
    _write(root / "notes" / "a.md")
    _write(root / "b.md")
    place = Place(root=root, folder=root / "notes")
    assert _names(["a.md", "../b.md"], place) == ["notes/a.md", "b.md"]


def test_a_file_is_listed_once_however_often_it_is_named(root: Path, place: Place) -> None:
    _write(root / "a.md")
    (root / "b.md").symlink_to(root / "a.md")
    assert _names(["a.md", ".", "*.md", str(root / "a.md")], place) == ["a.md"]


def test_globs_are_expanded(root: Path, place: Place) -> None:
    for name in ("p/a.pdf", "p/b.pdf", "p/q/c.pdf", "p/d.png", "p/.e.pdf", "r/f.pdf", "p/x.log"):
        _write(root / name)
    assert _names(["p/*.pdf"], place) == ["p/a.pdf", "p/b.pdf"]
    assert _names(["**/*.pdf"], place) == ["p/a.pdf", "p/b.pdf", "p/q/c.pdf", "r/f.pdf"]
    assert _names(["p/*.log"], place) == ["p/x.log"]
    assert _names(["p/*"], place) == ["p/a.pdf", "p/b.pdf", "p/q/c.pdf"]
    with pytest.raises(PathRefused):
        resolve(["p/*.epub"], place)


def test_a_name_with_glob_characters_that_exists_is_that_file(root: Path, place: Place) -> None:
    _write(root / "what [draft].md")
    assert _names(["what [draft].md"], place) == ["what [draft].md"]


@pytest.mark.parametrize(
    "name", ["../secret.md", "{secret}", "a/../../secret.md", "link.md", "folder/secret.md", "../*.md"]
)
def test_outside_and_absent_are_refused_with_one_sentence(
    tmp_path: Path, root: Path, place: Place, name: str
) -> None:
    secret = _write(tmp_path / "secret.md")
    (root / "a").mkdir()
    (root / "link.md").symlink_to(secret)
    (root / "folder").symlink_to(tmp_path)
    name = name.format(secret=secret)
    for ask in (check, resolve):
        with pytest.raises(PathRefused) as refused:
            ask([name], place)
        with pytest.raises(PathRefused) as absent:
            ask([name.replace("md", "rst")], place)
        assert str(refused.value).replace("md", "rst") == str(absent.value)
        assert "does not exist or may not be read" in str(refused.value)


@pytest.mark.parametrize(
    "name", ["", " ", "a\x00b", "x" * 5000, "y/" * 3000, "***/x", "[z", "~nobody-at-all/x"]
)
def test_names_that_are_none_are_refused(place: Place, name: str) -> None:
    with pytest.raises(InvalidRequest) as error:
        resolve([name], place)
    assert len(str(error.value)) < 600


def test_links_out_of_the_root_are_named_and_not_followed(tmp_path: Path, root: Path, place: Place) -> None:
    _write(tmp_path / "outside" / "secret.md")
    _write(root / "in" / "a.md")
    (root / "in" / "out").symlink_to(tmp_path / "outside")
    (root / "in" / "secret.md").symlink_to(tmp_path / "outside" / "secret.md")
    (root / "in" / "self.md").symlink_to("self.md")
    (root / "in" / "again").symlink_to(root / "in")
    found = resolve(["in"], place)
    assert [file.name for file in found] == ["in/a.md", "in/out", "in/secret.md", "in/self.md"]
    assert [file.path.is_symlink() for file in found] == [False, True, True, True]


def test_links_within_the_root_are_followed_once(root: Path, place: Place) -> None:
    _write(root / "real" / "a.md")
    (root / "real" / "up").symlink_to("..")
    (root / "link").symlink_to("real")
    assert _names(["."], place) == ["real/a.md"]
    assert _names(["link"], place) == ["real/a.md"]


def test_a_library_is_read_by_its_name_wherever_it_lies(tmp_path: Path, root: Path) -> None:
    _write(tmp_path / "lab" / "deep" / "a.md")
    place = Place(root=root, folder=root, libraries={"lab": tmp_path / "lab"})
    assert _names(["lab"], place) == [str(tmp_path / "lab" / "deep" / "a.md")]
    assert len(resolve([str(tmp_path / "lab" / "deep" / "a.md")], place)) == 1


def test_a_guest_reads_libraries_only(tmp_path: Path, root: Path) -> None:
    _write(root / "private.md")
    _write(tmp_path / "lab" / "a.md")
    place = Place(root=root, folder=root, libraries={"lab": tmp_path / "lab"}, guest=True)
    assert len(resolve(["lab"], place)) == 1
    assert len(resolve([str(tmp_path / "lab" / "*.md")], place)) == 1
    for names in ([], ["private.md"], [str(root)], ["."]):
        with pytest.raises(PathRefused):
            check(names, place)
        with pytest.raises(PathRefused):
            resolve(names, place)


def test_a_guest_without_a_root_reads_libraries_only(tmp_path: Path) -> None:
    _write(tmp_path / "a.md")
    with pytest.raises(PathRefused):
        resolve(["a.md"], Place(root=None, folder=tmp_path, guest=True))


def test_an_unknown_word_is_answered_with_the_libraries(tmp_path: Path, root: Path) -> None:
    place = Place(root=root, folder=root, libraries={"lab": tmp_path})
    with pytest.raises(UnknownName, match=r"no library called 'lap'.*example, lab"):
        check(["lap"], place)


def test_without_a_root_everything_readable_may_be_read(tmp_path: Path) -> None:
    path = _write(tmp_path / "far" / "a.md")
    (tmp_path / "here").mkdir()
    place = Place(root=None, folder=tmp_path / "here")
    assert _names([str(path)], place) == [str(path)]
    assert _names(["../far"], place) == [str(path)]
    with pytest.raises(PathRefused, match="does not exist or may not be read"):
        resolve(["../near/x.md"], place)


def test_the_example_library_is_there_with_documents(place: Place) -> None:
    check(["example"], place)
    assert example_library().is_dir()
    assert [file.path for file in resolve(["example"], place)]


def test_a_home_folder_is_not_read_unasked(root: Path, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(7):
        for copy in range(number + 1):
            _write(root / f"folder{number}" / f"{copy}.md")
    monkeypatch.setenv("HOME", str(root))
    with pytest.raises(InvalidRequest, match="is a home folder") as error:
        resolve([], place)
    offers = "folder6/ (7), folder5/ (6), folder4/ (5), folder3/ (4), folder2/ (3)"
    assert offers in str(error.value) and "folder1" not in str(error.value)
    assert len(resolve(["."], place)) == 28


def test_more_than_two_thousand_files_are_not_read_unasked(root: Path, place: Place) -> None:
    (root / "many").mkdir()
    for number in range(2001):
        (root / "many" / f"{number}.md").touch()
    with pytest.raises(InvalidRequest, match=r"more than 2,000 documents.*many/ \(2,001\)"):
        resolve([], place)
    assert len(resolve(["many"], place)) == 2001


def test_more_than_two_gigabytes_are_not_read_unasked(root: Path, place: Place) -> None:
    for number in range(3):
        with (root / f"{number}.pdf").open("wb") as file:
            file.truncate(1024**3)
    with pytest.raises(InvalidRequest, match="2 GB"):
        resolve([], place)


def test_the_root_of_the_file_system_is_not_read_unasked_and_takes_two_seconds_at_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks = itertools.count()  # Each look at the clock is a second later than the one before.
    monkeypatch.setattr(walk, "time", SimpleNamespace(monotonic=lambda: next(looks)))
    with pytest.raises(InvalidRequest, match="root of a file system"):
        resolve([], Place(root=None, folder=Path("/")))
    assert next(looks) == MAX_SECONDS + 2  # One at the beginning, and none after the end.


def test_a_name_with_line_breaks_is_shown_in_one_line(root: Path, place: Place) -> None:
    _write(root / "two\nlines.md")
    _write(root / "schön 文.md")
    assert _names(["."], place) == ["schön 文.md", "two\\nlines.md"]


def test_a_name_that_is_no_utf8_is_shown(root: Path, place: Place) -> None:
    with open(os.fsencode(root) + b"/caf\xe9.md", "w") as file:
        file.write("text")
    assert _names(["."], place) == ["caf\ufffd.md"]


def test_the_fingerprint_follows_contents_alone(root: Path, place: Place) -> None:
    _write(root / "a.md", "one")
    _write(root / "b.md", "two")
    before = fingerprint(resolve(["."], place))
    (root / "a.md").rename(root / "c.md")
    os.utime(root / "b.md", (1, 1))
    assert fingerprint(resolve(["."], place)) == before
    _write(root / "b.md", "2")
    assert fingerprint(resolve(["."], place)) != before


def test_the_fingerprint_waits_for_no_pipe(root: Path) -> None:
    from jupyter_research.documents import FileRef

    os.mkfifo(root / "pipe.md")
    assert fingerprint(
        [FileRef(path=root / "pipe.md", name="pipe.md"), FileRef(path=root / "gone", name="gone")]
    )


def test_the_fingerprint_takes_known_hashes_and_is_the_same_without_them(
    root: Path, place: Place, tmp_path: Path
) -> None:
    from jupyter_research.documents import Library

    for name in ("a.md", "b.md"):
        os.utime(_write(root / name, f"This is {name}."), (1, 1))
    files = resolve(["."], place)
    library = Library(tmp_path / "index.sqlite", files)
    assert library.hashes() == {} and not (tmp_path / "index.sqlite").exists()
    library.refresh()
    known = library.hashes()
    assert set(known) == {file.path for file in files}
    assert fingerprint(files, known) == fingerprint(files)
    _write(root / "b.md", "It has changed.")
    assert set(library.hashes()) == {root / "a.md"}
    library.close()


def test_the_fingerprint_reads_no_device() -> None:
    from jupyter_research.documents import FileRef

    assert fingerprint([FileRef(path=Path("/dev/zero"), name="zero")])
