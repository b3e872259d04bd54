"""`public_api_pb2`: the messages and enums of the official service, as classes of protobuf.

They are made when they are first used, from the descriptor that the contract gives.
"""

from typing import Any

from qai_hub.wire.descriptor import PACKAGE, described, message_class


def __getattr__(name: str) -> Any:  # noqa: ANN401 - classes, enums and their values
    if name.startswith("__"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = _made(name)
    return found


def __dir__() -> list[str]:
    file = described().file
    values = [value.name for enum in file.enum_type for value in enum.value]
    messages = [message.name for message in file.message_type]
    enums = [enum.name for enum in file.enum_type]
    return sorted({*globals(), *messages, *enums, *values, "DESCRIPTOR"})


def _made(name: str) -> object:
    from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper

    file = described().pool.FindFileByName(described().file.name)
    if name == "DESCRIPTOR":
        return file
    if name in file.message_types_by_name:
        return message_class(f"{PACKAGE}.{name}")
    if name in file.enum_types_by_name:
        return EnumTypeWrapper(file.enum_types_by_name[name])
    for enum in file.enum_types_by_name.values():
        if name in enum.values_by_name:
            return enum.values_by_name[name].number
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
