"""Lines of texts of users and servers, and durations and sizes in words."""

from qai_hub.display.text import for_logs, printable

__all__ = ["format_duration", "format_size", "one_line", "printable_lines"]

_MAX_LINE = 500
_MAX_TEXT = 5_000


def one_line(text: str, limit: int = _MAX_LINE) -> str:
    """Makes a text one printable line that neither steers a terminal nor commands a CI runner.

    Args:
        text: Any text.
        limit: Maximum number of characters; the rest is cut off.

    Returns:
        The line.
    """
    line = " ".join(text[: limit + 1].split())
    return for_logs(printable(line, limit))


def printable_lines(text: str) -> str:
    """Does the same for each line of a text, and keeps the line breaks.

    Args:
        text: Any text.

    Returns:
        The text, whose lines end with LF.
    """
    return "\n".join(one_line(line, _MAX_TEXT) for line in text[:_MAX_TEXT].splitlines()).strip()


def format_duration(seconds: float) -> str:
    """Formats a duration as `0:05`, or `1:02:03` from an hour on."""
    minutes, rest = divmod(max(0, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def format_size(size: float) -> str:
    """Formats a number of bytes in powers of 1,000, such as `2.9 MB`."""
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
