"""Name everything that can go wrong; an error's docstring is the sentence a person reads."""

from __future__ import annotations

import inspect
from typing import Any, ClassVar


class ResearchError(Exception):
    """The research could not go on."""

    #: The word that stands beside the sentence on the wire.
    code: ClassVar[str] = "error"

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or inspect.cleandoc(type(self).__doc__ or ""))

    def to_json(self) -> dict[str, Any]:
        """Give the body of an error answer."""
        return {"error": str(self), "code": self.code}


class InvalidRequest(ResearchError):
    """The request is not of the form that this route takes."""

    code = "invalid"


class UnknownName(InvalidRequest):
    """There is no researcher, model or source of that name."""

    code = "unknown_name"


class PathRefused(InvalidRequest):
    """That path does not exist or may not be read: name one beneath the root folder, or a library."""

    code = "path"


class SessionNotFound(ResearchError):
    """There is no such session."""

    code = "not_found"


class SourceNotFound(ResearchError):
    """The session has no source of that id."""

    code = "not_found"


class WrongState(ResearchError):
    """The session's state does not allow that."""

    code = "wrong_state"


class StaleVersion(ResearchError):
    """The proposal has changed since: look at the newest version and decide again."""

    code = "stale_version"


class NotReady(ResearchError):
    """The session has no report yet."""

    code = "not_ready"


class WaitsForApproval(ResearchError):
    """The session waits for approval: approve or change the proposal first."""

    code = "waits_for_approval"


class TooLarge(ResearchError):
    """The body is too large."""

    code = "too_large"


class UnsupportedMediaType(ResearchError):
    """Send JSON, with the header Content-Type: application/json."""

    code = "unsupported_media_type"


class SwitchedOff(ResearchError):
    """Research is switched off on this server: ask its administrator."""

    code = "switched_off"


class LimitReached(ResearchError):
    """Too many sessions: wait for one to end, or cancel one."""

    code = "limit"

    def __init__(self, message: str | None = None, *, retry_after: int = 30) -> None:
        super().__init__(message)
        #: Seconds after which another try makes sense.
        self.retry_after = retry_after


class StorageFailed(ResearchError):
    """The session could not be written to disk."""

    code = "storage"


class ReadOnlySession(WrongState):
    """Another running server holds this session: command it there."""

    code = "read_only"


class NoDocuments(ResearchError):
    """No readable document was found."""

    code = "no_documents"


class ResearcherFailed(ResearchError):
    """The researcher ended with an error."""

    code = "researcher_failed"


class NoKey(InvalidRequest):
    """The server has no key for this provider."""

    code = "no_key"


class NoPackage(InvalidRequest):
    """A package that this provider needs is not installed in the server's environment."""

    code = "no_package"


class ModelFailed(ResearchError):
    """The model did not answer."""

    code = "model_failed"


class BudgetSpent(ResearchError):
    """The budget is used up."""

    code = "budget"


class ServerNotFound(ResearchError):
    """No Jupyter server was found."""

    code = "server_not_found"


class ServerRefused(ResearchError):
    """The server refused the request."""

    code = "refused"


class Halted(BaseException):
    """The session was asked to stop: nothing is lost, and a resume goes on from there.

    No `Exception`, so that an analyst that waits is not taken for one that failed.
    """


class SessionCancelled(BaseException):
    """The session was cancelled.

    No `Exception`, so that `except Exception` in research code cannot swallow it.
    """
