"""Hold what `make library` gathers."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def gather() -> ModuleType:
    spec = importlib.util.spec_from_file_location("gather", ROOT / "examples" / "gather.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up by name.
    sys.modules["gather"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def documents(gather: ModuleType) -> dict[Path, bytes]:
    return dict(gather.documents())


def test_library_has_forty_documents_and_more(documents: dict[Path, bytes]) -> None:
    assert len(documents) >= 40


@pytest.mark.parametrize("suffix", [".md", ".txt", ".py", ".html", ".ipynb", ".pdf"])
def test_library_has_each_format_more_than_once(documents: dict[Path, bytes], suffix: str) -> None:
    assert Counter(path.suffix for path in documents)[suffix] >= 3


@pytest.mark.parametrize("package", ["jupyter_server", "tornado", "traitlets", "ipywidgets", "langgraph"])
def test_library_tells_of_each_package(
    documents: dict[Path, bytes], gather: ModuleType, package: str
) -> None:
    assert [path for path in documents if path.parent == gather.LIBRARY / package]


def test_library_holds_our_own_documentation(documents: dict[Path, bytes], gather: ModuleType) -> None:
    page = gather.LIBRARY / "jupyter_research" / "isolation.md"
    assert documents[page] == (ROOT / "docs" / "isolation.md").read_bytes()


def test_library_is_prose(documents: dict[Path, bytes]) -> None:
    for path, content in documents.items():
        if path.suffix in (".md", ".txt", ".rst"):
            words = content.decode().split()
            sentences = sum(word.endswith((".", "?", ":")) for word in words)
            assert len(words) > 100 and sentences >= 3, path


def test_notebooks_are_valid(documents: dict[Path, bytes]) -> None:
    import nbformat

    for path, content in documents.items():
        if path.suffix == ".ipynb":
            nbformat.validate(json.loads(content))


def test_pdfs_have_text(documents: dict[Path, bytes]) -> None:
    import pypdfium2

    [content, *_] = [content for path, content in sorted(documents.items()) if path.suffix == ".pdf"]
    with pypdfium2.PdfDocument(content) as pdf:
        page = pdf[0]
        text = page.get_textpage()
        assert len(text.get_text_bounded()) > 200
        text.close()
        page.close()


def test_same_packages_give_the_same_bytes(documents: dict[Path, bytes], gather: ModuleType) -> None:
    assert dict(gather.documents()) == documents


def test_what_is_no_longer_made_is_taken_away(
    gather: ModuleType, documents: dict[Path, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = tmp_path / "library" / "gone.md"
    left.parent.mkdir()
    left.write_text("old")
    monkeypatch.setattr(gather, "HERE", tmp_path / "here")
    monkeypatch.setattr(gather, "LIBRARY", tmp_path / "library")
    monkeypatch.setattr(gather, "documents", lambda: iter([(tmp_path / "library" / "a" / "new.md", b"new")]))
    gather.main()
    assert [path.name for path in tmp_path.rglob("*.md")] == ["new.md"]
