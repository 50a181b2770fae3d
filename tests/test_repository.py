"""Hold what the files of the repository have to agree on."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "jupyter_research"

#: The name on import where it is not the name of the distribution.
DISTRIBUTIONS = {
    "docx": "python-docx",
    "markdown_it": "markdown-it-py",
    "langgraph.checkpoint.sqlite": "langgraph-checkpoint-sqlite",
}

#: Come with a declared distribution and are part of its interface.
COME_ALONG = {
    "httpcore": "httpx",
    "IPython": "ipywidgets or ipykernel: only ever imported inside a kernel",
    "jupyter_core": "jupyter_server",
    "jupyter_client": "jupyter_server",
    "langchain_core": "langgraph",
    "langsmith": "langgraph",
    "langgraph.checkpoint.serde": "langgraph",
    "pydantic": "langgraph",
    "nbformat": "jupyter_server",
}

#: Imported only when the user has them.
OPTIONAL = {
    "langchain", "jupyterhub", "pandas", "trafilatura", "openai", "anthropic", "google", "genai_prices",
}  # fmt: skip


def pyproject() -> dict[str, Any]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        return tomllib.load(file)


def tracked() -> list[Path]:
    """Give the files that git keeps."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    paths = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    return [path for path in paths if path.is_file()]


def version() -> str:
    tree = ast.parse((PACKAGE / "_version.py").read_text(encoding="utf-8"))
    [value] = [node.value for node in tree.body if isinstance(node, ast.Assign)]
    return str(ast.literal_eval(value))


def test_both_halves_have_the_same_version() -> None:
    package = json.loads((ROOT / "labextension" / "package.json").read_text(encoding="utf-8"))
    assert package["version"] == version()


def test_changelog_tells_of_this_version() -> None:
    assert f"## [{version()}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_wheel_puts_the_labextension_where_its_name_says() -> None:
    package = json.loads((ROOT / "labextension" / "package.json").read_text(encoding="utf-8"))
    shared = pyproject()["tool"]["hatch"]["build"]["targets"]["wheel"]["shared-data"]
    assert shared["jupyter_research/labextension"] == f"share/jupyter/labextensions/{package['name']}"


def test_no_file_names_the_host_of_a_registry() -> None:
    hosts = [".".join(parts) for parts in (("pypi", "org"), ("npmjs", "org"), ("npmjs", "com"))]
    hosts += [".".join(parts) for parts in (("yarnpkg", "com"), ("python" + "hosted", "org"))]
    named = [
        f"{path.relative_to(ROOT)}: {host}"
        for path in tracked()
        for host in hosts
        if host.encode() in path.read_bytes()
    ]
    assert not named


def test_no_file_is_set_to_a_package_index() -> None:
    setting = re.compile(rb"(?m)^[^#\n]*(--index-url|--extra-index-url|npmRegistryServer|^registry\s*=)")
    here = Path(__file__).resolve()
    assert not [path for path in tracked() if path != here and setting.search(path.read_bytes())]


def test_lock_file_holds_no_address() -> None:
    assert "://" not in (ROOT / "labextension" / "yarn.lock").read_text(encoding="utf-8")


def test_ignored_folders_hold_no_tracked_file() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--ignored", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert not listed.stdout.split()


def imported() -> set[str]:
    """Give the dotted names of other packages that the package imports anywhere."""
    names: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                names.add(node.module)
    return {name for name in names if name.partition(".")[0] not in sys.stdlib_module_names}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _known(name: str, table: Any) -> str | None:
    """Give the longest beginning of a dotted name that stands in the table."""
    parts = name.split(".")
    beginnings = [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
    return next((beginning for beginning in beginnings if beginning in table), None)


def test_every_import_is_a_declared_dependency() -> None:
    declared = {_normal(re.split(r"[\[<>=!~ ;]", line)[0]) for line in pyproject()["project"]["dependencies"]}
    missing = set()
    for name in imported():
        root = name.partition(".")[0]
        if root == "jupyter_research" or root in OPTIONAL or _known(name, COME_ALONG):
            continue
        beginning = _known(name, DISTRIBUTIONS)
        if _normal(DISTRIBUTIONS[beginning] if beginning else root) not in declared:
            missing.add(name)
    assert not missing


def test_every_declared_dependency_is_imported() -> None:
    used = set()
    for name in imported():
        beginning = _known(name, DISTRIBUTIONS)
        used.add(_normal(DISTRIBUTIONS[beginning] if beginning else name.partition(".")[0]))
    lines = pyproject()["project"]["dependencies"]
    assert {_normal(re.split(r"[\[<>=!~ ;]", line)[0]) for line in lines} <= used


def test_dependencies_have_floors_and_no_ceilings() -> None:
    project = pyproject()["project"]
    for line in project["dependencies"]:
        assert ">=" in line and "<" not in line, line


def test_every_benchmark_is_run_though_one_misses_its_aim(tmp_path: Path):
    # Stands for Python, so that nothing is measured.
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.write_text('#!/bin/sh\necho "ran $*"\ncase $1 in */delivery.py) exit 1;; esac\n')
    python.chmod(0o755)
    stamps = [f"-o{tmp_path / name}" for name in (".built", ".test", ".bench")]
    values = [f"VENV={tmp_path}", "SCIFACT=abstracts", "PAPERS=manuals"]
    done = subprocess.run(
        ["make", "--no-print-directory", *stamps, *values, "bench"], cwd=ROOT, capture_output=True, text=True
    )
    scripts = sorted(path.name for path in (ROOT / "benchmarks").glob("*.py"))
    folders = {"library.py": " abstracts", "reports.py": " abstracts", "papers.py": " manuals"}
    ran = [line for line in done.stdout.splitlines() if line.startswith("ran ")]
    assert ran == [f"ran benchmarks/{name}{folders.get(name, '')}" for name in scripts]
    assert done.returncode != 0 and "or failed: benchmarks/delivery.py\n" in done.stderr
