"""Decide whose sessions a notebook uses: its server's, or its own."""

from __future__ import annotations

from .base import Client
from .discovery import find
from .local import LocalClient
from .server import ServerClient, check_version


def connect(*, in_kernel: bool = False) -> Client:
    """Give the client for this process.

    Args:
        in_kernel: work in this process even where there is a server.

    Raises:
        NoCredential: the server takes only a password, which a kernel does not have.
        ServerNotFound: there is a server, and it does not answer or does not have the extension.
        ServerRefused: it has another version, or refused the token.
    """
    server = None if in_kernel else find()
    if server is None:
        return LocalClient.of_this_process()
    client = ServerClient(server)
    check_version(server, str(client.health().get("version", "")))
    return client
