"""Hand on the guards: what a session may connect to, and how much it may take from there."""

from __future__ import annotations

from .addresses import Addresses, Refused, host_of
from .bodies import TooMuch, inflated
from .network import leave_network
from .restraint import LocalOnly, Restraint, own_process, sentence
from .watch import Watch, watch

__all__ = [
    "Addresses",
    "LocalOnly",
    "Refused",
    "Restraint",
    "TooMuch",
    "Watch",
    "host_of",
    "inflated",
    "leave_network",
    "own_process",
    "sentence",
    "watch",
]
