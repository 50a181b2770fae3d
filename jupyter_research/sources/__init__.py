"""Hand on the sources: which files may be read, and where passages come from."""

from .base import Hit, SourceSet
from .paths import EXAMPLE, check, example_library, fingerprint, resolve, shown_folder

__all__ = [
    "EXAMPLE",
    "Hit",
    "SourceSet",
    "check",
    "example_library",
    "fingerprint",
    "resolve",
    "shown_folder",
]
