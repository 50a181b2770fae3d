"""Hold the table of levels: what each module may import, wherever in the file it does so."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "jupyter_research"

#: Parts of a level that belong together are one line of the table: they may import one another.
FACTS = {"errors", "events", "exclusive", "logs", "meter", "report", "wal", "work", "_version"}
CONTEXT = {"context", "carry", "capture"}
RECORDS = {"ledger", "guard"}
SERVICES = {"store", "broadcast", "documents", "sources", "models", "citations", "export"}
SESSIONS = {"manager", "researchers", "graphs"}
HANDLERS = {
    "handlers", "session_handlers", "report_handlers", "rest", "bodies", "sockets", "identity", "access",
}  # fmt: skip
NOTEBOOK = {
    "magics",
    "line",
    "topics",
    "notebook",
    "request",
    "whereabouts",
    "history",
    "frames",
    "cell",
    "widgets",
}

#: What a module may import from our own package, itself aside.
MAY_IMPORT: dict[str, set[str]] = {
    **dict.fromkeys(FACTS, FACTS),
    **dict.fromkeys(CONTEXT | RECORDS, FACTS | CONTEXT | RECORDS),
    **dict.fromkeys(SERVICES, FACTS | CONTEXT | RECORDS),
    "sources": FACTS | CONTEXT | RECORDS | {"documents"},
    "analysts": FACTS | CONTEXT | {"ledger", "guard", "citations", "documents", "sources", "models"},
    **dict.fromkeys(SESSIONS, FACTS | CONTEXT | SESSIONS | {"guard", "analysts", "store", "broadcast"}),
    "runtime": FACTS | CONTEXT | RECORDS | SERVICES | SESSIONS | {"analysts"},
    **dict.fromkeys(HANDLERS, FACTS | HANDLERS),
    "app": FACTS | HANDLERS | {"metrics", "runtime"},
    "metrics": FACTS,
    "client": FACTS | {"runtime"},
    "cli": FACTS | {"client", "export"},
    "widgets": FACTS | {"client", "export"},
    "cell": FACTS | {"client", "export", "widgets"},
    **dict.fromkeys({"history", "frames"}, FACTS),
    **dict.fromkeys(
        {"magics", "line", "topics", "notebook", "request", "whereabouts"},
        FACTS | NOTEBOOK | {"client", "export"},
    ),
    "__init__": FACTS | {"context", "app", "magics", "notebook"},
    "testing": FACTS | CONTEXT | RECORDS | SERVICES | SESSIONS | {"analysts", "runtime"},
}

#: What may be named in annotations only.
AS_A_TYPE: dict[str, set[str]] = {
    **{name: {"runtime", "broadcast", "store"} for name in HANDLERS},
    "broadcast": {"store"},
    "metrics": {"runtime"},
}

#: Imports that have to wait until they are needed: the module is light without them.
INSIDE_FUNCTIONS_ONLY: dict[str, set[str]] = {
    "client": {"runtime"},
    "app": {"runtime"},
    "__init__": {"app", "magics", "notebook"},
}


@cache
def parts() -> list[str]:
    """Give the names of the package's modules and subpackages."""
    found = {path.stem for path in PACKAGE.glob("*.py")}
    return sorted(found | {path.parent.name for path in PACKAGE.glob("*/__init__.py")})


def files(part: str) -> list[Path]:
    """Give the files that a module or subpackage is made of."""
    single = PACKAGE / f"{part}.py"
    return [single] if single.exists() else sorted((PACKAGE / part).rglob("*.py"))


@cache
def imports(path: Path) -> list[tuple[str, str]]:
    """Give each import as a dotted absolute name, and where it stands: top, function or type."""
    return list(_imports(ast.parse(path.read_text(encoding="utf-8")), path, "top"))


def _imports(node: ast.AST, path: Path, place: str) -> Iterator[tuple[str, str]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from ((alias.name, place) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            yield from ((name, place) for name in _absolute(child, path))
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            yield from ((name, "type") for name, _ in _imports(child, path, place))
        else:
            inside = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
            yield from _imports(child, path, "function" if inside else place)


def _absolute(node: ast.ImportFrom, path: Path) -> list[str]:
    if node.level == 0:
        base = node.module or ""
    else:
        package = ("jupyter_research", *path.relative_to(PACKAGE).parts[:-1])
        package = package[: len(package) - node.level + 1]
        base = ".".join((*package, node.module) if node.module else package)
    # `from . import store` names the module in what is imported, not in where from.
    return [f"{base}.{alias.name}" for alias in node.names]


def own(name: str) -> str | None:
    """Give the part of our package that an import names; None for other packages."""
    root, _, rest = name.partition(".")
    if root != "jupyter_research":
        return None
    part = rest.partition(".")[0]
    return part if part in parts() else "__init__"


@pytest.mark.parametrize("part", parts())
def test_module_stands_in_the_table(part: str) -> None:
    assert part in MAY_IMPORT, f"give {part} a level in the table, or another place"


@pytest.mark.parametrize("part", parts())
def test_module_imports_only_what_its_level_allows(part: str) -> None:
    wrong = []
    for path in files(part):
        for name, place in imports(path):
            target = own(name)
            if target is None or target == part:
                continue
            allowed = MAY_IMPORT.get(part, set())
            if place == "type":
                allowed = allowed | AS_A_TYPE.get(part, set())
            if target not in allowed:
                wrong.append(f"{path.relative_to(PACKAGE)} imports {name} ({place})")
    assert not wrong


@pytest.mark.parametrize("part", sorted(INSIDE_FUNCTIONS_ONLY))
def test_heavy_part_is_imported_inside_functions_only(part: str) -> None:
    wrong = [
        f"{path.relative_to(PACKAGE)} imports {name} at its top"
        for path in files(part)
        for name, place in imports(path)
        if place == "top" and own(name) in INSIDE_FUNCTIONS_ONLY[part]
    ]
    assert not wrong


@pytest.mark.parametrize("part", sorted(FACTS))
def test_fact_needs_the_standard_library_alone(part: str) -> None:
    for path in files(part):
        foreign = {name for name, _ in imports(path) if own(name) is None}
        roots = {name.partition(".")[0] for name in foreign}
        assert roots <= sys.stdlib_module_names


def test_no_module_is_named_for_leftovers() -> None:
    names = {path.stem for path in PACKAGE.rglob("*.py")} | {p.name for p in PACKAGE.rglob("*") if p.is_dir()}
    assert not names & {"utils", "util", "helpers", "helper", "common", "misc"}


def test_no_submodule_bears_the_name_of_a_public_function() -> None:
    functions = {
        "set_session_context", "get_session_context", "clear_session_context", "session_context",
        "send_status_update", "checkpoint", "request_approval", "research", "run", "sessions", "session",
        "library",
    }  # fmt: skip
    assert not functions & set(parts())


def test_reader_of_imports_sees_each_kind(tmp_path: Path) -> None:
    text = "\n".join(
        [
            "import json",
            "from typing import TYPE_CHECKING",
            "if TYPE_CHECKING:",
            "    from .runtime import Runtime",
            "def f():",
            "    from . import store",
            "    from .documents.index import Index",
        ]
    )
    tree = ast.parse(text)
    seen = set(_imports(tree, PACKAGE / "example.py", "top"))
    assert ("json", "top") in seen
    assert ("jupyter_research.runtime.Runtime", "type") in seen
    assert ("jupyter_research.store", "function") in seen
    assert ("jupyter_research.documents.index.Index", "function") in seen
    nested = set(_imports(ast.parse("from ..ledger import Ledger"), PACKAGE / "analysts" / "graph.py", "top"))
    assert ("jupyter_research.ledger.Ledger", "top") in nested
