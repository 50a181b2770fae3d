"""Hold the documentation against the code: whatever one can set, call or receive is written down."""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import re
from pathlib import Path

import pytest
import yaml
from tornado import web

import jupyter_research
from jupyter_research import errors
from jupyter_research.app import ResearchApp
from jupyter_research.client import Session
from jupyter_research.documents.kinds import DOCUMENTS, KINDS
from jupyter_research.events import Kind, State, initial
from jupyter_research.export import FORMATS
from jupyter_research.handlers import ROUTES, openapi
from jupyter_research.manager.request import StartRequest
from jupyter_research.metrics import metrics
from jupyter_research.report import Verdict

DOCS = Path(__file__).parent.parent / "docs"


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def rows(text: str) -> set[str]:
    """Give the first cells of the tables of a page, without their backquotes."""
    cells = re.findall(r"(?m)^\| *([^|]+?) *\|", text)
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


def templates(pattern: str) -> list[str]:
    """Give the paths that the pattern of a route stands for, as the table writes them."""
    pattern = pattern.replace(r"(?P<session_id>[^/]+)", "{id}").replace(r"(?P<source_id>[^/]+)", "{source}")
    pattern = pattern.replace(r"\.", ".")
    pieces = [
        match.group(1).split("|") if match.group(1) else [match.group(0)]
        for match in re.finditer(r"\(\?P<\w+>([^)]+)\)|[^(]+", pattern)
    ]
    return ["".join(choice) for choice in itertools.product(*pieces)]


def verbs(handler: type[web.RequestHandler]) -> list[str]:
    plain = web.RequestHandler._unimplemented_method
    return [verb for verb in ("GET", "POST", "PUT", "PATCH", "DELETE") if _own(handler, verb) is not plain]


def _own(handler: type[web.RequestHandler], verb: str) -> object:
    return getattr(handler, verb.lower())


def routes() -> list[str]:
    found = []
    for pattern, handler in ROUTES:
        if pattern in (r"/ws", r"(?:/.*)?"):
            continue
        found += [f"{verb} {path}" for path in templates(pattern) for verb in verbs(handler)]
    return found


@pytest.mark.parametrize("trait", sorted(ResearchApp.class_own_traits(config=True)))
def test_setting_is_documented(trait: str) -> None:
    assert trait in rows(page("configuration.md"))


def test_no_setting_is_documented_that_does_not_exist() -> None:
    settings = page("configuration.md").split("## Environment")[0]
    named = {cell for cell in rows(settings) if re.fullmatch("[a-z_]+", cell)}
    assert named <= set(ResearchApp.class_traits(config=True)) | {"false", "true"}


@pytest.mark.parametrize(
    "metric",
    [family.name + ("_total" if family.type == "counter" else "") for family in metrics.describe()],
)
def test_metric_is_documented(metric: str) -> None:
    assert metric in rows(page("howto/administrators.md"))


def settings_of_jupyterlab() -> list[str]:
    files = (DOCS.parent / "labextension" / "schema").glob("*.json")
    return sorted(
        name for file in files for name in json.loads(file.read_text(encoding="utf-8"))["properties"]
    )


@pytest.mark.parametrize("setting", settings_of_jupyterlab())
def test_setting_of_jupyterlab_is_documented(setting: str) -> None:
    assert setting in rows(page("jupyterlab.md"))


@pytest.mark.parametrize("route", routes())
def test_route_is_documented(route: str) -> None:
    assert route in rows(page("reference/rest.md"))


def test_no_route_is_documented_that_does_not_exist() -> None:
    named = {
        cell for cell in rows(page("reference/rest.md")) if re.match("(GET|POST|PUT|PATCH|DELETE) ", cell)
    }
    assert named == set(routes())


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(StartRequest)])
def test_field_of_the_request_for_a_session_is_documented(field: str) -> None:
    assert field in rows(page("reference/rest.md"))


def parameters() -> list[str]:
    description = yaml.safe_load(openapi())
    operations = [operation for path in description["paths"].values() for operation in path.values()]
    given = [item for each in operations if isinstance(each, dict) for item in each.get("parameters", [])]
    return sorted({item["name"] for item in given if item.get("in") == "query"})


@pytest.mark.parametrize("parameter", parameters())
def test_parameter_of_a_route_is_documented(parameter: str) -> None:
    assert f"`{parameter}`" in page("reference/rest.md")


@pytest.mark.parametrize("kind", [kind.value for kind in Kind])
def test_kind_of_event_is_documented(kind: str) -> None:
    assert kind in rows(page("reference/events.md"))


@pytest.mark.parametrize("state", [state.value for state in State])
def test_state_is_documented(state: str) -> None:
    assert state in rows(page("how-it-works.md"))


@pytest.mark.parametrize("field", [*initial("x"), "viewers"])
def test_field_of_the_snapshot_is_documented(field: str) -> None:
    assert f"`{field}`" in page("reference/events.md")


@pytest.mark.parametrize("suffix", sorted(KINDS))
def test_suffix_that_is_read_is_documented(suffix: str) -> None:
    [row] = [line for line in page("library.md").splitlines() if f"`{suffix}`" in line]
    assert row.rstrip(" |").endswith("yes" if KINDS[suffix] in DOCUMENTS else "no")


@pytest.mark.parametrize("format", sorted(FORMATS))
def test_format_of_the_report_is_documented(format: str) -> None:
    assert f"`{format}`" in page("citations.md")
    assert f"`{format}`" in page("reference/rest.md")


@pytest.mark.parametrize("verdict", [verdict.value for verdict in Verdict])
def test_verdict_is_documented(verdict: str) -> None:
    assert verdict in rows(page("citations.md"))


def options_of_the_magic() -> list[str]:
    from jupyter_research.magics import help_text

    return sorted(set(re.findall(r"--[a-z][a-z-]*", help_text())))


@pytest.mark.parametrize("option", options_of_the_magic())
def test_option_of_the_magic_is_documented(option: str) -> None:
    assert option in {cell.partition(" ")[0] for cell in rows(page("reference/commands.md"))}


@pytest.mark.parametrize("name", sorted(set(jupyter_research.__all__) - {"__version__"}))
def test_public_name_is_documented(name: str) -> None:
    table = page("reference/commands.md").split("## From Python")[1]
    assert name in {cell.partition("(")[0] for cell in rows(table)}


@pytest.mark.parametrize("name", [name for name in vars(Session) if not name.startswith("_")])
def test_what_a_session_can_do_is_documented(name: str) -> None:
    named = {cell.partition("(")[0] for cell in rows(page("reference/commands.md"))}
    assert f"session.{name}" in named


def parsers() -> dict[str, argparse.ArgumentParser]:
    """Give the parser of each command of the command line, and the main one under no name."""
    from jupyter_research.cli.arguments import _parser

    main = _parser()
    [commands] = [action for action in main._actions if isinstance(action, argparse._SubParsersAction)]
    return {"": main, **commands.choices}


@pytest.mark.parametrize("command", [name for name in parsers() if name])
def test_command_is_documented(command: str) -> None:
    assert command in rows(page("reference/commands.md"))


def options_of_the_command_line() -> list[str]:
    actions = [action for parser in parsers().values() for action in parser._actions]
    return sorted({option for action in actions for option in action.option_strings} - {"-h", "--help"})


@pytest.mark.parametrize("option", options_of_the_command_line())
def test_option_of_the_command_line_is_documented(option: str) -> None:
    table = page("reference/commands.md").split("## The command line")[1]
    assert option in {cell.partition(" ")[0] for cell in rows(table)}


def codes() -> list[str]:
    found = {errors.ResearchError.code}
    waiting = [errors.ResearchError]
    while waiting:
        children = waiting.pop().__subclasses__()
        found |= {child.code for child in children}
        waiting += children
    return sorted(found)


@pytest.mark.parametrize("code", codes())
def test_code_of_an_error_is_documented(code: str) -> None:
    assert code in rows(page("reference/rest.md"))


@pytest.mark.parametrize("path", sorted(DOCS.rglob("*.md")), ids=lambda path: path.name)
def test_links_of_a_page_lead_to_pages(path: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8"))
    local = [target for target in targets if "://" not in target]
    assert not [target for target in local if not (path.parent / target).exists()]


def test_readme_leads_to_pages_that_exist() -> None:
    root = DOCS.parent
    targets = re.findall(r"\]\(([^)#]+)\)", (root / "README.md").read_text(encoding="utf-8"))
    assert not [target for target in targets if "://" not in target and not (root / target).exists()]


@pytest.mark.parametrize("path", sorted(DOCS.rglob("*.md")), ids=lambda path: path.name)
def test_page_has_its_place_in_the_navigation(path: Path) -> None:
    assert path.relative_to(DOCS).as_posix() in (DOCS.parent / "mkdocs.yml").read_text(encoding="utf-8")


def modules() -> list[str]:
    package = DOCS.parent / "jupyter_research"
    single = [path.stem for path in package.glob("[a-z]*.py")]
    return sorted(single + [f"{path.parent.name}/" for path in package.glob("*/__init__.py")])


@pytest.mark.parametrize("module", modules())
def test_module_stands_on_the_map(module: str) -> None:
    assert f"`{module}`" in page("../CONTRIBUTING.md")


def commands_of_make() -> list[str]:
    text = (DOCS.parent / "Makefile").read_text(encoding="utf-8")
    return re.findall(r"(?m)^([a-z]+):.*## ", text)


@pytest.mark.parametrize("command", [name for name in commands_of_make() if name != "help"])
def test_command_of_make_is_documented(command: str) -> None:
    assert f"make {command}" in rows(page("../CONTRIBUTING.md"))
