"""Reads what `qai-hub-models export` prints."""

import math
import re
from dataclasses import dataclass
from typing import Final

_JOB: Final = re.compile(r"(?:Submitted|Scheduled) (?:a )?(\w+) job \(?(j\w+)")
_COMPARED: Final = re.compile(r"Comparing on-device vs\. local-cpu inference for (.+)\.$")
_TIME: Final = re.compile(r"Estimated inference time \(ms\)\s*:\s*<?([\d.]+)")
_WARNING: Final = re.compile(r"- WARNING: (.+)")
_ERROR: Final = re.compile(r"(?:[\w.]+\.)?\w*(?:Error|Exception|Exit|Interrupt)\b(?:: .*)?")


@dataclass(frozen=True)
class Printed:
    """What an export printed.

    Attributes:
        jobs: The IDs of its jobs, in order.
        psnr: PSNR of each output as printed, by part and output.
        milliseconds: Sum of the times of its profiles; None if there was none.
        notices: Warnings of its jobs.
        error: The exception that ended it; empty if there was none.
    """

    jobs: tuple[str, ...]
    psnr: dict[str, float | str | None]
    milliseconds: float | None
    notices: tuple[str, ...]
    error: str


def read_output(text: str) -> Printed:
    """Reads what an export printed.

    Args:
        text: Its standard output and standard error.

    Returns:
        What the table needs of it.
    """
    psnr: dict[str, float | str | None] = {}
    part, column, error = "", 0, ""
    for line in text.splitlines():
        if match := _COMPARED.search(line):
            part = match[1]
        elif line.startswith("|"):
            fields = [each.strip() for each in line.split("|")[1:-1]]
            if fields[0] == "output_name":
                column = fields.index("psnr") if "psnr" in fields else 0
            elif column and fields[0]:
                psnr[f"{part}/{fields[0]}"] = _read_number(fields[column])
        elif not line.startswith("+"):
            column = 0
        if _ERROR.match(line):
            error = line.strip()
    times = [float(each) for each in _TIME.findall(text)]
    notices = dict.fromkeys(each.strip() for each in _WARNING.findall(text))
    return Printed(
        jobs=tuple(dict.fromkeys(job for _, job in _JOB.findall(text))),
        psnr=psnr,
        milliseconds=sum(times) if times else None,
        notices=tuple(notices),
        error=error,
    )


def _read_number(text: str) -> float | str | None:
    """Return a number of a table; infinity as text, as JSON has none."""
    try:
        number = float(text)
    except ValueError:
        return None
    if math.isnan(number):
        return None
    return "inf" if math.isinf(number) else number
