"""Build the wheel, install it into an empty environment, and ask Jupyter what it sees."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LABEXTENSION = "share/jupyter/labextensions/jupyter-research-lab/"

# The first test builds and installs everything: a busy machine takes minutes for it.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a copy of what git would give somebody else: nothing in it is built."""
    folder = tmp_path_factory.mktemp("clone")
    listed = _run("git", "-C", ROOT, "ls-files", "--cached", "--others", "--exclude-standard", "-z")
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def wheel(clone: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel with the tools of this environment, Node among them."""
    folder = tmp_path_factory.mktemp("wheel")
    tools = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    _run(
        *(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, clone),
        env={**os.environ, "PATH": tools, "YARN_ENABLE_GLOBAL_CACHE": "true"},
    )
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give an environment that holds the wheel, what it asks for, and JupyterLab."""
    folder = tmp_path_factory.mktemp("environment")
    _run(sys.executable, "-m", "venv", folder)
    _run(
        folder / "bin" / "python", "-m", "pip", "install", "--quiet", wheel, "jupyterlab", env=_clean(folder)
    )
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def names(wheel: Path) -> list[str]:
    """Give the names of the files in the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def _run(*command: object, env: dict[str, str] | None = None) -> str:
    line = [str(word) for word in command]
    done = subprocess.run(line, capture_output=True, text=True, env=env, cwd=ROOT.anchor, timeout=600)
    assert done.returncode == 0, f"{' '.join(line)}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def _clean(folder: Path) -> dict[str, str]:
    """Give the variables of a shell that knows the new environment alone."""
    names = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "PYTHON"))}
    own = {name: str(folder / "home" / name.lower()) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR")}
    return {**names, **own, "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}", "NO_COLOR": "1"}


def _line(output: str, *words: str) -> str:
    lines = [line for line in output.splitlines() if all(word in line for word in words)]
    assert lines, output
    return lines[0]


def test_wheel_carries_the_labextension_once(names: list[str]) -> None:
    packages = [name for name in names if name.endswith(LABEXTENSION + "package.json")]
    assert len(packages) == 1
    assert any(name.endswith(LABEXTENSION + "install.json") for name in names)
    assert not [name for name in names if name.startswith("jupyter_research/labextension/")]


@pytest.mark.parametrize(
    "name",
    [
        "jupyter_research/static/widget.js",
        "jupyter_research/openapi.yaml",
        "jupyter_research/export/report.schema.json",
        "jupyter_research/py.typed",
    ],
)
def test_wheel_carries(names: list[str], name: str) -> None:
    assert names.count(name) == 1


def test_wheel_carries_every_page_of_the_documentation_as_the_example(names: list[str]) -> None:
    pages = {str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md")}
    beginning = "jupyter_research/example_library/"
    assert {name.removeprefix(beginning) for name in names if name.startswith(beginning)} == pages


def test_wheel_enables_the_server_extension(wheel: Path, names: list[str]) -> None:
    end = "etc/jupyter/jupyter_server_config.d/jupyter_research.json"
    [config] = [name for name in names if name.endswith(end)]
    with zipfile.ZipFile(wheel) as archive:
        settings = json.loads(archive.read(config))
    assert settings["ServerApp"]["jpserver_extensions"] == {"jupyter_research": True}


def test_installed_server_extension_is_ok(environment: Path) -> None:
    output = _run(environment / "bin" / "jupyter", "server", "extension", "list", env=_clean(environment))
    assert "enabled" in _line(output, "jupyter_research", "enabled")
    assert "OK" in _line(output, "jupyter_research", "OK")


def test_installed_labextension_is_ok(environment: Path) -> None:
    output = _run(environment / "bin" / "jupyter", "labextension", "list", env=_clean(environment))
    line = _line(output, "jupyter-research-lab")
    assert "enabled" in line and "OK" in line


def test_installed_command_is_a_subcommand_of_jupyter(environment: Path) -> None:
    output = _run(environment / "bin" / "jupyter", "research", "--help", env=_clean(environment))
    assert "demo" in output


def test_installed_package_answers_from_its_own_documentation(environment: Path) -> None:
    command = [environment / "bin" / "jupyter", "research", "demo", "--yes", "--wait"]
    output = _run(*command, env=_clean(environment))
    assert "Sources" in output
