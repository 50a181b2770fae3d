"""Keep keys by `jupyter research keys`, as somebody does at a terminal."""

from __future__ import annotations

import getpass
import io
import json
import stat
import sys
from pathlib import Path

import pytest

from jupyter_research.cli import main
from jupyter_research.models.keys import Keys


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path))
    return tmp_path


def typed(monkeypatch: pytest.MonkeyPatch, text: str | None) -> None:
    """Be a terminal at which a text is typed; None where its end is."""

    def answer(prompt: str) -> str:
        if text is None:
            raise EOFError
        return text

    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys, "stdin", terminal)
    monkeypatch.setattr(getpass, "getpass", answer)


def test_key_is_kept_listed_by_name_and_forgotten(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    typed(monkeypatch, "sk-typed")
    # However people call the provider.
    assert main(["keys", "set", "gemini"]) == 0
    [file] = folder.rglob("keys.json")
    assert json.loads(file.read_bytes()) == {"google_genai": "sk-typed"}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert main(["keys", "list"]) == 0
    assert capsys.readouterr().out == "google_genai\n"
    assert main(["keys", "forget", "google"]) == 0
    assert json.loads(file.read_bytes()) == {}


def test_keys_are_removed_by_another_word_too(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    typed(monkeypatch, "sk-typed")
    assert main(["keys", "set", "house"]) == main(["keys", "remove", "house"]) == 0
    [file] = folder.rglob("keys.json")
    assert json.loads(file.read_bytes()) == {}


@pytest.mark.parametrize("text", [None, "", "two words", "sk-typed’", "sk-\x07"])
def test_what_is_no_key_is_one_sentence_and_nothing_is_kept(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path, text: str | None
) -> None:
    typed(monkeypatch, text)
    assert main(["keys", "set", "openai"]) == 2
    assert (
        capsys.readouterr().err
        == "jupyter research: That is no key: it is one word of ASCII signs, without spaces.\n"
    )
    assert not list(folder.rglob("keys.json"))


@pytest.mark.parametrize("name", ["google", "House", "MY_KEY"])
def test_key_is_found_by_the_name_under_which_it_was_set(
    monkeypatch: pytest.MonkeyPatch, folder: Path, name: str
) -> None:
    typed(monkeypatch, "sk-typed")
    assert main(["keys", "set", name]) == 0
    [file] = folder.rglob("keys.json")
    assert Keys(file, {}).find(name, "local") == ("sk-typed", "`jupyter research keys`")
