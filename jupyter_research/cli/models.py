"""List the models that can be chosen, and whether they answer."""

from __future__ import annotations

import json
from argparse import Namespace

from ..export.plain import one_line
from .access import sessions


def models(arguments: Namespace) -> int:
    """Print name, description and answer of each."""
    with sessions(in_process=arguments.in_process) as client:
        found = client.models()
    for model in found:
        if arguments.json:
            print(json.dumps(model))
            continue
        answer = f" It {one_line(model['answers'])}." if "answers" in model else ""
        print(f"{one_line(model['name'])}: {one_line(model['description'])}{answer}")
    return 0
