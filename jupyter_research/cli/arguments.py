"""Say what can be typed after `jupyter research`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, Final

from .._version import __version__
from ..events import State
from ..export import FORMATS

Command = Callable[[argparse.Namespace], int]

_DESCRIPTION: Final = (
    "Run research sessions: reports with checked citations from your own files. The sessions of a running "
    "Jupyter server are used where there is one, else the work is done in this process."
)


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Read the arguments; ends the process with code 2 where they are wrong."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    if not hasattr(arguments, "command"):
        parser.print_help(sys.stderr)
        parser.exit(2)
    return arguments


def _late(module: str, function: str) -> Command:
    """Name a command without importing what it needs."""

    def command(arguments: argparse.Namespace) -> int:
        result: int = getattr(import_module(f".{module}", __package__), function)(arguments)
        return result

    return command


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="jupyter research", description=_DESCRIPTION)
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    _run(commands)
    _demo(commands)
    _list(commands)
    _of_session(commands, "show", "show a session and its report", ("show", "show"), what=_format)
    _approve(commands)
    _of_session(commands, "pause", "pause a session", ("decide", "pause"))
    _of_session(commands, "resume", "take a session up again", ("decide", "resume"), what=_result)
    _of_session(commands, "cancel", "end a session now", ("decide", "cancel"))
    _of_session(commands, "delete", "remove a session and its report for good", ("decide", "delete"))
    _export(commands)
    _of_session(commands, "tail", "follow what a session does", ("show", "tail"))
    _search(commands)
    _library(commands)
    _command(commands, "models", "list the models and whether they answer", ("models", "models"))
    _keys(commands)
    _doctor(commands)
    _backup(commands)
    return parser


def _command(
    commands: Any, name: str, help: str, target: tuple[str, str], others: Sequence[str] = ()
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=help, description=f"{help.capitalize()}.", aliases=others
    )
    parser.set_defaults(command=_late(*target))
    parser.add_argument("--json", action="store_true", help="print JSON, one object a line")
    parser.add_argument(
        "--in-process", action="store_true", help="use no running server, but the sessions stored here"
    )
    return parser


def _of_session(
    commands: Any,
    name: str,
    help: str,
    target: tuple[str, str],
    what: Callable[[argparse.ArgumentParser], None] | None = None,
) -> argparse.ArgumentParser:
    parser = _command(commands, name, help, target)
    parser.add_argument("session", metavar="ID", help="a session's id, or the beginning of it")
    if what is not None:
        what(parser)
    return parser


def _format(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=list(FORMATS), help="the report's format (default: markdown)")


def _result(parser: argparse.ArgumentParser) -> None:
    _format(parser)
    parser.add_argument(
        "--output", "-o", metavar="FILE", help="write the report there; its ending names the format"
    )


def _work(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--analysts", type=int, metavar="N", help="how many perspectives, 1 to 10 (default: 3)"
    )
    parser.add_argument(
        "--turns", type=int, metavar="N", help="how many questions each asks, 1 to 5 (default: 2)"
    )
    parser.add_argument("--model", metavar="NAME", help="extractive (default: no network) or provider:name")
    parser.add_argument("--local-only", action="store_true", help="refuse all that would send text elsewhere")
    parser.add_argument(
        "--budget", type=_number, action="append", metavar="KEY=NUMBER",
        help="a cap on money, tokens, seconds or calls; a bare number is money; may be repeated",
    )  # fmt: skip
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--ask", action="store_true", help="ask for approval of the team")
    choice.add_argument("--yes", action="store_true", help="never ask (the default without a terminal)")
    parser.add_argument("--wait", action="store_true", help="return at the end (always on here)")
    _result(parser)


def _run(commands: Any) -> None:
    parser = _command(commands, "run", "research a topic and print the report", ("run", "run"))
    parser.add_argument(
        "topic", nargs="*", help="the question, in quotes for the shell's sake; - reads it from the input"
    )
    parser.add_argument(
        "--source", action="append", metavar="NAME",
        help="a library, file, folder, pattern, online source or page; may be repeated "
        "(default: documents of this folder)",
    )  # fmt: skip
    parser.add_argument(
        "--researcher", metavar="NAME", help="another than the built-in analysts, also module:function"
    )
    parser.add_argument(
        "--set", type=_setting, action="append", metavar="NAME=VALUE", help="an option of that researcher"
    )
    _work(parser)


def _demo(commands: Any) -> None:
    parser = _command(commands, "demo", "run a first session on our own documentation", ("run", "demo"))
    _work(parser)


def _list(commands: Any) -> None:
    parser = _command(commands, "list", "list sessions, the newest first", ("show", "list_sessions"))
    parser.add_argument(
        "--state", choices=[state.value for state in State], metavar="STATE", help="only those in this state"
    )
    parser.add_argument("--limit", type=int, default=20, metavar="N", help="how many at most (default: 20)")


def _approve(commands: Any) -> None:
    parser = _of_session(
        commands, "approve", "approve what a session proposes", ("decide", "approve"), what=_result
    )
    parser.add_argument(
        "--edit", metavar="FILE", help="the proposal as it shall be, in JSON (- reads the input)"
    )


def _export(commands: Any) -> None:
    parser = _of_session(
        commands, "export", "write a session's report to a file", ("show", "export"), what=_format
    )
    parser.add_argument(
        "output", nargs="?", metavar="FILE", help="its ending names the format (default: print)"
    )
    parser.add_argument("--partial", action="store_true", help="what a cancelled session had found")


def _search(commands: Any) -> None:
    parser = _command(commands, "search", "find passages in files, without a session", ("search", "search"))
    parser.add_argument("query", nargs="+", help="what to look for")
    parser.add_argument("--source", action="append", metavar="NAME", help="as for run")
    parser.add_argument("-k", type=int, default=10, metavar="N", help="how many passages (default: 10)")


def _keys(commands: Any) -> None:
    parser = commands.add_parser(
        "keys", help="keep the keys of providers", description="Keep the keys of providers."
    )
    inner = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _command(inner, "list", "list the providers that have a key", ("keys", "list_keys"))
    for name, help, function, *others in (
        ("set", "ask for a provider's key and keep it", "set_key"),
        ("forget", "forget a provider's key", "forget", "remove"),
    ):
        one = _command(inner, name, help, ("keys", function), others)
        one.add_argument("provider", metavar="PROVIDER", help="openai, tavily, … or a model's key name")


def _library(commands: Any) -> None:
    parser = commands.add_parser(
        "library", help="show, forget or build indexes", description="Show, forget or build indexes."
    )
    inner = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    listed = _command(
        inner, "list", "show where each index lies, how large it is and what it is of",
        ("library", "list_indexes"),
    )  # fmt: skip
    forget = _command(inner, "forget", "remove indexes; files are read anew then", ("library", "forget"))
    forget.add_argument("name", nargs="*", metavar="NAME", help="a source, a folder, or an index's path")
    forget.add_argument("--all", action="store_true", help="all of them")
    for one in (listed, forget):
        one.add_argument("--data-dir", metavar="FOLDER", help="where ResearchApp.data_dir names another")
    index = _command(inner, "index", "read a folder for all servers that have it as a library",
        ("library", "index"),
    )  # fmt: skip
    index.add_argument("folder", metavar="FOLDER", help="the folder; the index is written into it")


def _doctor(commands: Any) -> None:
    parser = _command(
        commands, "doctor", "examine where sessions are kept and say what to do", ("doctor", "doctor")
    )
    parser.add_argument(
        "--data-dir", metavar="FOLDER", help="the folder, where ResearchApp.data_dir names another"
    )


def _backup(commands: Any) -> None:
    parser = _command(
        commands, "backup", "copy where sessions are kept, also while a server runs", ("backup", "backup")
    )
    parser.add_argument("target", metavar="TARGET", help="the folder to be made")
    parser.add_argument(
        "--data-dir", metavar="FOLDER", help="the folder to copy, where ResearchApp.data_dir names another"
    )


def _number(text: str) -> tuple[str, float]:
    # A bare number is money, as in a notebook.
    name, _, value = text.rpartition("=")
    try:
        number = float(value)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=NUMBER, as in seconds=60") from None
    return name or "money", int(number) if number.is_integer() else number


def _setting(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE, as in depth=3")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
