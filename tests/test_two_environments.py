"""Let a kernel in one environment use the server in another: it needs this package and IPython alone."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest
from live import MIME, REPOSITORY, Kernel, Server, running_server
from packaging.requirements import Requirement

pytestmark = pytest.mark.slow


def run(*command: object, **more: str) -> str:
    """Run a command in a clean environment and give what it printed."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "JUPYTER"))}
    line = [str(word) for word in command]
    done = subprocess.run(line, capture_output=True, text=True, env={**env, **more}, timeout=300)
    assert done.returncode == 0, f"{' '.join(line)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def needed_by(name: str, known: set[str]) -> set[str]:
    """Give a distribution and all that it needs on this machine."""
    if name in known:
        return known
    known.add(name)
    for text in distribution(name).requires or ():
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            needed_by(re.sub(r"[-_.]+", "-", requirement.name).lower(), known)
    return known


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a wheel of the Python part; what Node builds is for the server's environment."""
    clone, built = tmp_path_factory.mktemp("clone"), tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, clone / name)
    for name in ("jupyter_research", "docs", "jupyter-config", "labextension"):
        ignore = shutil.ignore_patterns("__pycache__", "node_modules", "lib", "static", ".yarn")
        shutil.copytree(REPOSITORY / name, clone / name, ignore=ignore)
    for name in ("labextension/package.json", "labextension/static/style.js", "static/widget.js"):
        place = clone / "jupyter_research" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()
    run(
        *(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", built, clone),
        HATCH_BUILD_NO_HOOKS="true",
    )
    [found] = built.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def second(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an environment with ipykernel, what that needs, and our wheel without what it asks for."""
    folder = tmp_path_factory.mktemp("second")
    run(sys.executable, "-m", "venv", folder)
    python = folder / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", wheel)
    site = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    here = Path(sysconfig.get_path("purelib"))
    for name in needed_by("ipykernel", set()):
        for part in {file.parts[0] for file in distribution(name).files or ()} - {"..", "__pycache__"}:
            if not (site / part).exists():
                (site / part).symlink_to(here / part)
    return folder


@pytest.fixture(scope="module")
def server(second: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run a server of this environment that knows the kernel of the other."""
    folder = tmp_path_factory.mktemp("server")
    spec: dict[str, Any] = {
        "argv": [str(second / "bin" / "python"), "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "Second",
        "language": "python",
        # The tests' own path to this package would lead past the other environment.
        "env": {"PYTHONPATH": ""},
    }
    place = folder / "data" / "kernels" / "second"
    place.mkdir(parents=True)
    (place / "kernel.json").write_text(json.dumps(spec))
    with running_server(folder) as server:
        yield server


@pytest.fixture
def kernel(server: Server, request: pytest.FixtureRequest) -> Iterator[Kernel]:
    kernel = server.start_kernel(f"{request.node.name}.ipynb", name="second")
    yield kernel
    kernel.close()


def test_the_other_environment_has_this_package_and_nothing_that_it_asks_for(
    kernel: Kernel, second: Path
) -> None:
    assert kernel.value("__import__('jupyter_research').__file__").startswith(str(second))
    absent = "all(__import__('importlib.util').util.find_spec(name) is None for name in names)"
    kernel.run("names = ['orjson', 'filelock', 'jupyter_server', 'langgraph', 'anywidget', 'pypdf']")
    assert kernel.value(absent)


def test_a_session_is_started_followed_and_read_from_the_other_environment(kernel: Kernel) -> None:
    kernel.run("%load_ext jupyter_research")
    first = kernel.run("%research --researcher steps how far apart are two environments?")
    assert first.cards[0][MIME]["where"] == "server"
    kernel.run("session = _")
    assert kernel.value("session.wait(90).state") == "completed"
    assert "This took 3 steps." in kernel.value("session.report.text")
    assert kernel.value("session.claims") != []
    kernel.wait_for(lambda: any("text/markdown" in data for data in first.shown), "the end in the cell")


def test_files_are_searched_by_the_server(kernel: Kernel, server: Server) -> None:
    papers = server.root / "papers"
    papers.mkdir(exist_ok=True)
    (papers / "mill.md").write_text("# The mill\n\nThe sluice gates of the mill close at high water.\n")
    kernel.run("from jupyter_research import library")
    found = kernel.value(f"library({str(papers)!r}).search('sluice gates', k=3)")
    assert [one["quote"] for one in found] == ["The sluice gates of the mill close at high water."]


def test_working_in_that_kernel_is_refused_in_one_sentence(kernel: Kernel) -> None:
    kernel.run("%load_ext jupyter_research")
    said = kernel.run("%research --in-kernel what is missing?", ok=False)
    assert said.text.startswith("UsageError: This environment has only what talks to a Jupyter server")
    assert "`%pip install jupyter_research`" in said.text


def test_another_version_is_refused_in_one_sentence(kernel: Kernel, second: Path) -> None:
    [version] = second.glob("lib/*/site-packages/jupyter_research/_version.py")
    before = version.read_text()
    version.write_text('__version__ = "99.0.0"\n')
    try:
        kernel.run("%load_ext jupyter_research")
        said = kernel.run("%research --researcher steps which version?", ok=False)
    finally:
        version.write_text(before)
    assert "and this kernel 99.0.0: run `%pip install jupyter_research==" in said.text
    assert len(said.text.strip().splitlines()) == 1
