"""Keep the keys of providers in a file that only their owner can read."""

from __future__ import annotations

import getpass
import json
import sys
from argparse import Namespace

from ..client import LocalClient


def set_key(arguments: Namespace) -> int:
    """Ask for a key and store it; never as an argument, which every user of the machine could see."""
    try:
        asked = f"Key for {arguments.provider}: "
        key = getpass.getpass(asked) if sys.stdin.isatty() else sys.stdin.readline()
    except EOFError:
        key = ""
    LocalClient.keys().set(arguments.provider, key)
    print(f"The key for {arguments.provider} is kept, for when a model is chosen.", file=sys.stderr)
    return 0


def forget(arguments: Namespace) -> int:
    """Remove a key."""
    LocalClient.keys().set(arguments.provider, None)
    print(f"There is no key for {arguments.provider} in the file any more.", file=sys.stderr)
    return 0


def list_keys(arguments: Namespace) -> int:
    """List the providers that have a key, and none of the keys."""
    names = LocalClient.keys().names()
    for name in names:
        print(json.dumps({"provider": name}) if arguments.json else name)
    if not names and not arguments.json:
        print("No key is kept: `jupyter research keys set openai` asks for one.", file=sys.stderr)
    return 0
