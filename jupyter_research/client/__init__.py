"""Reach sessions, on the server that started this kernel or in this process.

Level 6. Standard library only, so that a kernel's environment needs nothing but this package;
what works in-process imports the runtime inside.
"""

from .base import Client
from .collection import Collection
from .connection import connect
from .discovery import Server, find
from .local import LocalClient
from .server import NoCredential, ServerClient
from .session import CellReport, Session, partly_done

__all__ = [
    "CellReport",
    "Client",
    "Collection",
    "LocalClient",
    "NoCredential",
    "Server",
    "ServerClient",
    "Session",
    "connect",
    "find",
    "partly_done",
]
