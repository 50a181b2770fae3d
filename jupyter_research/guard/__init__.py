"""Hand on the guards: what a session may connect to, and how much it may take from there."""

from __future__ import annotations

from .addresses import Addresses, Refused, host_of
from .bodies import TooMuch, inflated
from .child import end_child, start_child
from .network import leave_network
from .restraint import LocalOnly, Restraint, sentence
from .watch import Watch, watch

__all__ = [
    "Addresses",
    "LocalOnly",
    "Refused",
    "Restraint",
    "TooMuch",
    "Watch",
    "end_child",
    "host_of",
    "inflated",
    "leave_network",
    "sentence",
    "start_child",
    "watch",
]
