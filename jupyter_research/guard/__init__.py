"""Hand on the guards: what a session may connect to, and how much it may take from there."""

from __future__ import annotations

from .addresses import Addresses, Refused, host_of
from .bodies import TooMuch, inflated

__all__ = ["Addresses", "Refused", "TooMuch", "host_of", "inflated"]
