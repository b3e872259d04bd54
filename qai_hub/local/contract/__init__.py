"""The spec layer: routing, validation and encoding by the contract, independent of the hub."""

from qai_hub.local.contract.bodies import check_body
from qai_hub.local.contract.document import Contract, ContractError
from qai_hub.local.contract.parameters import complete_parameters
from qai_hub.local.contract.routes import (
    Authenticate,
    Call,
    Handler,
    Reply,
    build_routes,
    get_caller,
)

__all__ = [
    "Authenticate",
    "Call",
    "Contract",
    "ContractError",
    "Handler",
    "Reply",
    "build_routes",
    "check_body",
    "complete_parameters",
    "get_caller",
]
