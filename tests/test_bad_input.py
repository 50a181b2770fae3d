"""What is wrong with files ends in a limitation that names it, and the session in a report on the rest."""

from __future__ import annotations

import ctypes
import io
import json
import os
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from live import environment

TOPIC = "how many tails did the comet have?"
PAPER = """
#set document(title: "Tails of comets", author: "Ann Lee")
The comet of Ann Lee had seven tails, as everybody could see.
"""
GOOD = "The comet had two tails, and the second of them was a surprise.\n"
MEGABYTE = 1024 * 1024
#: Of the process that holds the session, and of the largest of its children.
MOST_MEMORY = 400 * MEGABYTE

#: Runs a command, and prints beneath its output how much memory it and its children took.
MEASURED = """
import resource, sys
from jupyter_research.cli import main
code = main(sys.argv[1:])
# Not by getrusage: the peak of the process that started this one counts there as well.
own = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
peaks = [int(own.split()[1]), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss]
print([peak * 1024 for peak in peaks])
sys.exit(code)
"""

#: Lets one file change whenever it is read: somebody else who writes to it all the time comes too late on a
#: busy machine. Each child that reads files runs this first.
CHANGING = """
from jupyter_research.guard import child
child._START = '''
import os
fdopen, moments = os.fdopen, iter(range(1, 1000))
def touched(descriptor, *rest, **more):
    if os.readlink("/proc/self/fd/%d" % descriptor).endswith("changing.txt"):
        moment = next(moments) * 10**9
        os.utime(descriptor, ns=(moment, moment))
    return fdopen(descriptor, *rest, **more)
os.fdopen = touched
''' + child._START
"""
PLAIN = "import sys; from jupyter_research.cli import main; sys.exit(main(sys.argv[1:]))"


def typeset(source: str) -> bytes:
    import typst

    return bytes(typst.compile(source.encode()))


def encrypted() -> bytes:
    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(typeset(GOOD))))
    writer.encrypt("secret", algorithm="RC4-128")
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def scanned() -> bytes:
    """Give a page that is one picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return len(data).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")

    header = (64).to_bytes(4, "big") * 2 + bytes([8, 0, 0, 0, 0])
    rows = zlib.compress((b"\0" + bytes(range(64))) * 64)
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    numbers = ",".join(map(str, png))
    return typeset(f"#image(bytes(({numbers})), width: 8cm)")


def zipped(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "/"), data)
    return buffer.getvalue()


def docx_bomb() -> bytes:
    return zipped(**{"word__document.xml": b"<x>" + b" " * 100 * MEGABYTE})


def epub_bomb() -> bytes:
    container = (
        b'<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
        b'<rootfile full-path="book.opf"/></rootfiles></container>'
    )
    package = (
        b'<package xmlns="http://www.idpf.org/2007/opf"><manifest><item id="a" href="a.html"/></manifest>'
        b'<spine><itemref idref="a"/></spine></package>'
    )
    chapter = b"<p>" + b"comet " * 20 * MEGABYTE
    return zipped(**{"META-INF__container.xml": container, "book.opf": package, "a.html": chapter})


def notebook(version: int, source: str) -> bytes:
    cell = {"cell_type": "code", "input": source, "metadata": {}, "outputs": []}
    content: dict[str, Any] = {"nbformat": version, "nbformat_minor": 0, "metadata": {}}
    return json.dumps({**content, "worksheets": [{"cells": [cell]}]}).encode()


#: What each file holds, and the clause by which a limitation names it; None where it is read.
FILES: dict[str, tuple[Callable[[], bytes], str | None]] = {
    "encrypted.pdf": (encrypted, "encrypted"),
    "picture.pdf": (scanned, "no text: scanned?"),
    "damaged.pdf": (lambda: typeset(GOOD)[:300], "a damaged PDF"),
    "bomb.docx": (docx_bomb, "unpacks to more than 64 MB"),
    "bomb.epub": (epub_bomb, "unpacks to more than 64 MB"),
    "lee.pdf": (lambda: typeset(PAPER), None),
    "nobody.pdf": (lambda: typeset("The comet of an unknown writer had six tails."), None),
    "binary.txt": (lambda: bytes(range(256)) * 100, "not text: binary"),
    "unknown.txt": (lambda: "комета и два хвоста ".encode("koi8-r") * 20, "in an unknown encoding"),
    "latin.txt": (lambda: "The comet of the café had five tails, déjà vu.\n".encode("latin-1"), None),
    "line\nbreak.txt": (GOOD.encode, "its name holds a line break"),
    f"{'n' * 251}.txt": (lambda: b"A comet whose name has 255 bytes had three tails.\n", None),
    "old.ipynb": (lambda: notebook(3, "# The comet of format 3 had four tails.\n"), None),
    "older.ipynb": (lambda: notebook(2, "comet"), "a notebook of format 2"),
    "empty.md": (lambda: b"", "empty"),
    "changing.txt": (lambda: b"words " * 1000, "changed while it was read"),
    "closed.txt": (GOOD.encode, "permission denied"),
    "closed": (lambda: b"", "permission denied"),
}


def without_roots_rights() -> None:
    """Give up what lets root read everything, for what this process becomes next."""
    for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP


def run(folder: Path, *arguments: str, code: str = MEASURED) -> subprocess.CompletedProcess[str]:
    """Run a command as somebody who may read only what is theirs."""
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env=environment(folder.parent),
        capture_output=True,
        text=True,
        preexec_fn=without_roots_rights,
        timeout=240,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with one good file and all the bad ones."""
    folder = tmp_path_factory.mktemp("bad") / "papers"
    folder.mkdir()
    (folder / "good.txt").write_text(GOOD)
    for name, (content, _) in FILES.items():
        path = folder / name
        if path.suffix:
            path.write_bytes(content())
        else:
            path.mkdir()
            (path / "inside.txt").write_text(GOOD)
    for name in ("closed.txt", "closed"):
        (folder / name).chmod(0)
    return folder


@pytest.fixture(scope="module")
def answer(folder: Path) -> Iterator[tuple[dict[str, Any], list[int]]]:
    """Give the report of a session over that folder, and the memory that it took."""
    done = run(folder, "run", "--json", "--source", ".", TOPIC, code=CHANGING + MEASURED)
    assert done.returncode == 0, done.stderr
    *_, last, peaks = done.stdout.splitlines()
    yield json.loads(last)["report"], json.loads(peaks)
    # So that whoever removes the folder can.
    (folder / "closed").chmod(0o700)


@pytest.fixture(scope="module")
def found(folder: Path, answer: Any) -> dict[str, str]:
    """Give the paths that a search of the same library finds, with their titles."""
    done = run(folder, "search", "--json", "--source", ".", "-k", "100", "comet", code=PLAIN)
    passages = [json.loads(line) for line in done.stdout.splitlines()]
    return {passage["path"]: passage["title"] for passage in passages}


def limitation(report: dict[str, Any], name: str) -> list[str]:
    shown = name.replace("\n", "\\n")
    return [line for line in report["limitations"] if line.startswith(f"{shown} could not be read: ")]


@pytest.mark.parametrize("name", [name for name, (_, reason) in FILES.items() if reason])
def test_what_cannot_be_read_is_named_with_its_reason(answer: Any, name: str) -> None:
    (line,) = limitation(answer[0], name)
    assert FILES[name][1] in line and not line.endswith("?.")


@pytest.mark.parametrize("name", [name for name, (_, reason) in FILES.items() if not reason])
def test_what_is_merely_odd_is_read_and_found(answer: Any, found: dict[str, str], name: str) -> None:
    assert limitation(answer[0], name) == []
    assert name in found


def test_the_rest_is_quoted_and_nothing_else(answer: Any, found: dict[str, str]) -> None:
    report, _ = answer
    assert set(found) == {"good.txt", *(name for name, (_, reason) in FILES.items() if reason is None)}
    assert {source["path"] for source in report["sources"]} <= set(found)
    assert (found["lee.pdf"], found["nobody.pdf"]) == ("Tails of comets", "nobody (unidentified)")
    assert report["made"]["identified"] == "1 of 2"
    assert any(line.startswith("1 of 2 papers could not be identified") for line in report["limitations"])
    claims = [claim for section in report["sections"] for claim in section["claims"]]
    assert {claim["verdict"] for claim in claims if claim["citations"]} == {"verbatim"}


def test_bombs_take_no_more_memory_than_anything_else(answer: Any) -> None:
    assert max(answer[1]) < MOST_MEMORY


def test_the_faults_did_happen(folder: Path) -> None:
    code = "import os; print(os.access('closed.txt', os.R_OK), os.access('closed', os.R_OK | os.X_OK))"
    assert run(folder, code=code).stdout.split() == ["False", "False"]
    assert len(os.fsencode(f"{'n' * 251}.txt")) == 255
    assert (folder / "bomb.docx").stat().st_size < MEGABYTE


@pytest.mark.slow
def test_ten_thousand_files_are_read_when_they_are_named_and_refused_when_not(tmp_path: Path) -> None:
    folder = tmp_path / "papers"
    for number in range(100):
        (folder / f"{number}").mkdir(parents=True)
        for other in range(100):
            (folder / f"{number}" / f"{other}.txt").write_text(f"The comet {number}-{other} was faint.\n")
    (folder / "7" / "7.txt").write_text(GOOD)
    refused = run(folder, "run", "--json", TOPIC)
    assert refused.returncode == 1
    assert "more than 2,000 documents" in refused.stderr
    done = run(folder, "run", "--json", "--source", ".", TOPIC)
    assert done.returncode == 0, done.stderr
    *_, last, peaks = done.stdout.splitlines()
    report = json.loads(last)["report"]
    assert report["made"]["documents"] == 10_000
    assert "7/7.txt" in {source["path"] for source in report["sources"]}
    assert max(json.loads(peaks)) < MOST_MEMORY
