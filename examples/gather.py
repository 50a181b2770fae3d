"""Gather a library of real documents that are on this machine anyway.

Fills `examples/library/`, which git ignores, with the descriptions and the module
documentation of installed packages and with our own `docs/`: prose of other people, read here
and not passed on. Nothing is imported and nothing is fetched: docstrings are read from the
source files. The same packages give the same bytes.
"""

from __future__ import annotations

import ast
import html
import inspect
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import nbformat
import typst

HERE = Path(__file__).resolve().parent
LIBRARY = HERE / "library"
DOCS = HERE.parent / "docs"

#: Packages, and how many of their modules to take: the ones with the most prose.
PACKAGES = {
    "jupyter_server": 16,
    "tornado": 12,
    "langgraph": 8,
    "traitlets": 5,
    "ipywidgets": 5,
    "jupyterhub": 14,
}

#: Less documentation than this is a table of names, not prose.
FEWEST_CHARACTERS = 1200

#: Lines of reStructuredText that say nothing to a reader.
DIRECTIVES = r"(?m)^\.\. (?:versionadded|versionchanged|deprecated|testcode|testoutput|code-block)::.*$"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Hold one documented thing of a module."""

    heading: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """Hold what a module says about itself."""

    name: str
    parts: tuple[Part, ...]
    source: str

    def size(self) -> int:
        return sum(len(part.text) for part in self.parts)


def main() -> None:
    """Write all documents, take away what is no longer made, and say what there is."""
    made = dict(documents())
    for path, content in made.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_bytes() != content:
            path.write_bytes(content)
    for path in LIBRARY.rglob("*"):
        if path.is_file() and path not in made:
            path.unlink()
    kinds = sorted({path.suffix[1:] for path in made})
    print(f"{len(made)} documents in {LIBRARY.relative_to(HERE.parent)}: {', '.join(kinds)}")


def documents() -> Iterator[tuple[Path, bytes]]:
    """Give the path and the content of each document."""
    for path in sorted(DOCS.rglob("*.md")):
        yield LIBRARY / "jupyter_research" / path.relative_to(DOCS), path.read_bytes()
    for package, count in PACKAGES.items():
        try:
            distribution = metadata.distribution(package)
        except metadata.PackageNotFoundError:
            print(f"{package} is not installed: left out", file=sys.stderr)
            continue
        yield from description(package, distribution)
        largest = sorted(modules(distribution, package), key=Module.size, reverse=True)[:count]
        for number, module in enumerate(sorted(largest, key=lambda module: module.name)):
            suffix, write = FORMATS[number % len(FORMATS)]
            yield LIBRARY / package / f"{module.name}{suffix}", write(module)


def description(package: str, distribution: metadata.Distribution) -> Iterator[tuple[Path, bytes]]:
    """Give what the package says about itself in its own distribution."""
    text = distribution.metadata.get_payload()
    if isinstance(text, str) and len(text) >= FEWEST_CHARACTERS:
        rst = "rst" in (distribution.metadata.get("Description-Content-Type") or "")
        yield LIBRARY / package / f"README.{'rst' if rst else 'md'}", text.encode()


def modules(distribution: metadata.Distribution, package: str) -> Iterator[Module]:
    """Give the modules of a distribution that are documented in prose."""
    for file in distribution.files or ():
        parts = file.with_suffix("").parts
        if file.suffix != ".py" or parts[0] != package or {"tests", "test", "alembic"} & set(parts):
            continue
        source = Path(str(file.locate())).read_text(encoding="utf-8", errors="replace")
        name = ".".join(part for part in parts if part != "__init__")
        module = Module(name=name, parts=tuple(documented(source)), source=source)
        if module.size() >= FEWEST_CHARACTERS:
            yield module


def documented(source: str) -> Iterator[Part]:
    """Give the docstrings of a module, of its classes and of its functions, in their order."""
    tree = ast.parse(source)
    if text := ast.get_docstring(tree):
        yield Part(heading="About this module", text=plain(text))
    for node in ast.walk(tree):
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            text = ast.get_docstring(node)
            if text and len(text) > 60:
                yield Part(heading=node.name, text=plain(text))
        elif isinstance(node, ast.Call) and (text := help_of(node)):
            yield Part(heading="Configuration", text=plain(text))


def help_of(call: ast.Call) -> str | None:
    """Give the help text of a configurable trait, which is prose where docstrings are short."""
    for keyword in call.keywords:
        if keyword.arg == "help":
            node = keyword.value
            while isinstance(node, ast.Call) and node.args:
                node = node.args[0]
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) > 60:
                return inspect.cleandoc(node.value)
    return None


def plain(text: str) -> str:
    """Take the roles and directives of reStructuredText out of a docstring."""
    text = re.sub(r":[a-z:]+:`~?\.?([^`<]+)(?:<[^`]*>)?`", r"\1", text)
    text = re.sub(DIRECTIVES, "", text)
    return text.replace("``", "`")


def markdown(module: Module) -> bytes:
    """Write a module's documentation as Markdown."""
    sections = [f"## {part.heading}\n\n{part.text}" for part in module.parts]
    return "\n\n".join([f"# {module.name}", *sections, ""]).encode()


def text(module: Module) -> bytes:
    """Write it as plain text."""
    sections = [f"{part.heading}\n{'-' * len(part.heading)}\n\n{part.text}" for part in module.parts]
    return "\n\n".join([module.name, *sections, ""]).encode()


def web_page(module: Module) -> bytes:
    """Write it as HTML."""
    sections = []
    for part in module.parts:
        paragraphs = "\n".join(f"<p>{html.escape(each)}</p>" for each in part.text.split("\n\n"))
        sections.append(f"<h2>{html.escape(part.heading)}</h2>\n{paragraphs}")
    head = f'<!doctype html>\n<meta charset="utf-8">\n<title>{module.name}</title>\n<h1>{module.name}</h1>\n'
    return (head + "\n".join(sections) + "\n").encode()


def notebook(module: Module) -> bytes:
    """Write it as a notebook, one cell for each part."""
    cells = [nbformat.v4.new_markdown_cell(f"# {module.name}", id="title")]
    for number, part in enumerate(module.parts):
        cells.append(nbformat.v4.new_markdown_cell(f"## {part.heading}\n\n{part.text}", id=f"part-{number}"))
    return (nbformat.writes(nbformat.v4.new_notebook(cells=cells)) + "\n").encode()


def pdf(module: Module) -> bytes:
    """Write it as PDF."""

    def quoted(value: str) -> str:
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'

    lines = [f"#set document(title: {quoted(module.name)}, date: none)", '#set page(numbering: "1")']
    lines.append(f"#heading(level: 1, {quoted(module.name)})")
    for part in module.parts:
        lines.append(f"#heading(level: 2, {quoted(part.heading)})")
        # As strings, so that nothing in the text is taken for markup.
        lines += [f"#par(text({quoted(' '.join(each.split()))}))" for each in part.text.split("\n\n")]
    result = typst.compile("\n\n".join(lines).encode(), format="pdf")
    assert isinstance(result, bytes)
    return result


def python(module: Module) -> bytes:
    """Give the source file itself."""
    return module.source.encode()


FORMATS: list[tuple[str, Callable[[Module], bytes]]] = [
    (".md", markdown),
    (".pdf", pdf),
    (".html", web_page),
    (".txt", text),
    (".ipynb", notebook),
    (".py", python),
]


if __name__ == "__main__":
    main()
