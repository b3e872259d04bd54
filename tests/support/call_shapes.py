"""Calls with good and bad arguments, by name, for any client with the official one's names.

`SHAPES` maps a name such as `submit_link_job models=[]` to a function that makes the call in a
`CallContext`. Nothing here knows which client it runs with, so that two can be compared.
"""

from support import call_combined, call_lookups, call_submits
from support.call_registry import SHAPES

__all__ = ["SHAPES", "call_combined", "call_lookups", "call_submits"]
