"""How values read on pages. Everything that is returned is escaped where it is rendered."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from markupsafe import Markup, escape

from qai_hub.display.text import format_bytes

_CODE: Final = re.compile(r"`([^`]+)`")
_STATES: Final = {
    "JOB_STATE_CREATED": "Queued",
    "JOB_STATE_DONE": "Done",
    "JOB_STATE_FAILED": "Failed",
}

_SEVERITIES: Final = {"INFO": "Note", "DEBUG": "Detail"}
_CONTEXTS: Final = {"DEVICE": "the device", "MODEL": "the model"}


# As long as what fits into the fields: longer ones would take long to look for.
_MAX_SEARCH: Final = 200


def read_search(text: str) -> str:
    """Return what is searched for, as far as the fields for it take it."""
    return text.strip()[:_MAX_SEARCH]


def split_search(search: str) -> tuple[str, ...]:
    """Return the words of a search, in lower case, each once."""
    return tuple(dict.fromkeys(search.lower().split()))


def format_number(value: float | None) -> str:
    """Return a number with the digits that people read; a dash for none."""
    if value is None:
        return "\N{EN DASH}"
    if isinstance(value, int) or (value.is_integer() and abs(value) < 1e6):
        return f"{int(value):,}"
    return f"{value:.4g}"


def format_model_type(model_type: str) -> str:
    """Return a format of models in words, as tools name it."""
    words = humanize(model_type, "MODEL_TYPE_")
    return " ".join(_NAMES.get(word.lower(), word) for word in words.split())


_NAMES: Final = {"qnn": "QNN", "onnx": "ONNX", "dlc": "DLC", "aimet": "AIMET", "tflite": "TFLite"}


def format_microseconds(value: float) -> str:
    """Return a time that was measured in microseconds, such as `27.2 ms`."""
    if value >= 1e6:
        return f"{value / 1e6:.3g} s"
    return f"{value / 1e3:.3g} ms" if value >= 1e3 else f"{value:.3g} µs"


def format_duration(seconds: float) -> str:
    """Return how long something took, such as `1 min 20 s`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 1:
        return f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    if hours < 1:
        return f"{minutes} min {rest} s"
    return f"{hours} h {minutes} min"


def format_state(state: str) -> str:
    """Return the name of a state of a job."""
    return _STATES.get(state) or humanize(state, "JOB_STATE_")


def format_notice_title(notice: Mapping[str, str]) -> str:
    """Return what a notice of a job is, and what it is about: `Note on the device`."""
    what = _SEVERITIES.get(notice["severity"]) or humanize(notice["severity"])
    about = _CONTEXTS.get(notice["context"])
    return f"{what} on {about}" if about else what


def humanize(name: str, prefix: str = "") -> str:
    """Return a value of an enum in words: `COMPUTE_UNIT_NPU` without `COMPUTE_UNIT_` is `Npu`."""
    words = name.removeprefix(prefix).replace("_", " ").lower()
    return words[:1].upper() + words[1:]


def seconds_between(start: str, end: str) -> float:
    """Return the seconds from one time of the API to another, which are not negative."""
    spent = datetime.fromisoformat(end) - datetime.fromisoformat(start)
    return max(0.0, spent.total_seconds())


def format_moment(value: str) -> str:
    """Return a time of the API for people without scripts, who read it in UTC."""
    return f"{datetime.fromisoformat(value):%Y-%m-%d %H:%M:%S} UTC"


def format_prose(text: str) -> Markup:
    """Return a description of the contract as paragraphs, with its names as code."""
    paragraphs = [_CODE.split(each) for each in text.split("\n\n") if each.strip()]
    return Markup("").join(
        Markup("<p>{}</p>").format(
            Markup("").join(
                Markup("<code>{}</code>").format(part) if place % 2 else escape(part)
                for place, part in enumerate(parts)
            )
        )
        for parts in paragraphs
    )


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "bytes": format_bytes,
    "microseconds": format_microseconds,
    "duration": format_duration,
    "moment": format_moment,
    "model_type": format_model_type,
    "notice_title": format_notice_title,
    "number": format_number,
    "state": format_state,
    "humanize": humanize,
    "prose": format_prose,
}
"""The filters of templates."""
