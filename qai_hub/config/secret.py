"""Texts that are not to be shown."""

__all__ = ["Secret"]


class Secret(str):
    """A text that no repr shows, and so no traceback that tells the values of variables."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"
