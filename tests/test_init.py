"""Hold the names that the package gives, and what its import costs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import jupyter_research

PACKAGE = Path(jupyter_research.__file__).parent

#: The contract's list.
PUBLIC = {
    "set_session_context",
    "get_session_context",
    "clear_session_context",
    "session_context",
    "send_status_update",
    "checkpoint",
    "request_approval",
    "research",
    "run",
    "sessions",
    "session",
    "library",
    "Report",
    "SessionCancelled",
    "NotReady",
    "WaitsForApproval",
}

#: What a kernel must not pay for.
HEAVY = (
    "langgraph",
    "langchain",
    "pypdf",
    "pypdfium2",
    "docx",
    "selectolax",
    "tornado",
    "jupyter_server",
    "orjson",
)


def modules_after(code: str) -> set[str]:
    """Run `code` in a fresh process and give the modules that it has loaded."""
    code += "\nimport json, sys; print(json.dumps(sorted(sys.modules)))"
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, text=True, cwd=PACKAGE.parent
    )
    return set(json.loads(output.stdout.splitlines()[-1]))


def test_the_public_names_are_those_of_the_contract() -> None:
    assert set(jupyter_research.__all__) == PUBLIC | {"__version__"}
    assert set(dir(jupyter_research)) == set(jupyter_research.__all__)
    for name in jupyter_research.__all__:
        assert getattr(jupyter_research, name) is not None


def test_an_unknown_name_is_an_ordinary_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = jupyter_research.nothing


def test_no_submodule_bears_the_name_of_a_public_function() -> None:
    modules = {path.stem for path in PACKAGE.glob("*.py")} | {
        path.parent.name for path in PACKAGE.glob("*/__init__.py")
    }
    assert modules & PUBLIC == set()


@pytest.mark.parametrize(
    "code",
    [
        "import jupyter_research",
        "from jupyter_research import *",
        "from jupyter_research import research, sessions, session, run, library",
        "import jupyter_research.magics",
    ],
)
def test_the_import_takes_nothing_heavy(code: str) -> None:
    loaded = {name.partition(".")[0] for name in modules_after(code)}
    assert loaded & set(HEAVY) == set()


def test_a_plain_import_takes_the_standard_library_only() -> None:
    before = {name.partition(".")[0] for name in modules_after("pass")}
    new = {name.partition(".")[0] for name in modules_after("from jupyter_research import *")} - before
    assert new - set(sys.stdlib_module_names) == {"jupyter_research"}


def test_a_server_finds_the_extension() -> None:
    (point,) = jupyter_research._jupyter_server_extension_points()
    assert point["module"] == "jupyter_research"
    assert point["app"].name == "jupyter_research"


def test_jupyterlab_finds_the_extension() -> None:
    (paths,) = jupyter_research._jupyter_labextension_paths()
    package = json.loads((PACKAGE.parent / "labextension" / "package.json").read_text())
    assert paths["dest"] == package["name"]
