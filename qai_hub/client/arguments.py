"""Checks of the arguments of lists and look-ups."""

from __future__ import annotations

import operator
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from qai_hub.config.model import is_official_host
from qai_hub.errors import UserError
from qai_hub.next_steps import Step
from qai_hub.resources.project import Project
from qai_hub.status import JobStatus, JobType
from qai_hub.transport.values import valid_id_or_empty

if TYPE_CHECKING:
    from qai_hub.config import ClientConfig
    from qai_hub.resources.model import Model

# The first letters of identifiers.
_KINDS = {"j": "job", "m": "model", "d": "dataset"}
# The contract's limit on the size of a page.
MAX_PAGE_SIZE = 1000
# And on the length of a text that jobs are searched by.
_MAX_TEXT = 200


def check_identifier(argument: str, value: object) -> str:
    """Checks an identifier, which becomes part of a URL path: `..` would lead elsewhere.

    Args:
        argument: Name of the argument, for the error message.
        value: The identifier.

    Returns:
        The identifier, unchanged.

    Raises:
        UserError: If it is not a valid identifier.
    """
    wanted = argument.removesuffix("_id")
    if not isinstance(value, str) or not valid_id_or_empty(value):
        refusal = Step(
            f"{argument} must be an identifier, as in URLs, not {value!r:.100}.",
            _refuse_word(wanted, value),
        )
        raise UserError(f"{refusal}{_hint_at_id(value)}")
    kind = _KINDS.get(value[0])
    is_project = wanted == "project" and value.startswith("p")
    if kind is None and not is_project:
        # The server would speak of parameters and patterns.
        raise UserError(_refuse_word(wanted, value))
    if kind is not None and wanted in _KINDS.values() and wanted != kind:
        use = Step(f"get_{kind}()", f"`qai-hub {kind}`")
        raise UserError(
            f"{value[:100]} is the identifier of a {kind}, not of a {wanted}: use {use}."
        )
    return value


def _refuse_word(wanted: str, value: object) -> str:
    refusal = f"{value!r:.100} is no identifier of a {wanted}"
    if wanted not in _KINDS.values():
        return f"{refusal}, which starts with {wanted[0]}."
    first = next(letter for letter, kind in _KINDS.items() if kind == wanted)
    known = Step(f"get_{wanted}s() lists those", f"`qai-hub {wanted} list` shows those")
    return f"{refusal}, which starts with {first}: {known}."


def _hint_at_id(value: object) -> str:
    """Returns what to pass in place of an object of the hub, or of the URL of its page."""
    text = value if isinstance(value, str) else ""
    for kind in _KINDS.values():
        text = text or getattr(value, f"{kind}_id", "")
    last = str(text).rstrip("/").rpartition("/")[2]
    return f" Pass {last!r}." if last and valid_id_or_empty(last) and last != value else ""


def parse_project(project: str | Project | None) -> str | None:
    """Returns the identifier of the project to list; None for all projects.

    Raises:
        UserError: If something else is given.
    """
    if not isinstance(project, str | Project | None):
        raise UserError(f"project must be a Project or its identifier, not {project!r}.")
    value = Project.get_project_id(project)
    return check_identifier("project", value) if value else None


def check_integer(argument: str, value: object, minimum: int, maximum: int | None = None) -> int:
    """Checks an integer, either Python's or numpy's.

    Args:
        argument: Name of the argument, for the error message.
        value: The number.
        minimum: Smallest allowed value.
        maximum: Largest allowed value; None for no limit.

    Returns:
        The number.

    Raises:
        UserError: If it is out of range or not an integer.
    """
    try:
        number = None if isinstance(value, bool) else operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        number = None
    if number is None or number < minimum or (maximum is not None and number > maximum):
        bounds = f"of at least {minimum}" if maximum is None else f"from {minimum} to {maximum}"
        raise UserError(f"{argument} must be an integer {bounds}, not {value!r}.")
    return number


def build_job_filters(
    config: ClientConfig,
    creator: str | None,
    state: JobStatus.State | list[JobStatus.State] | None,
    job_type: JobType | None,
    *,
    name: str | None,
    device: str | None,
    model: str | Model | None,
    after: date | None,
    before: date | None,
) -> dict[str, Any]:
    """Builds the filter parameters of the operations that list jobs.

    Raises:
        UserError: If one of the filters is not valid, or the server does not have it.
    """
    from qai_hub_api.models import JobTypeName
    from qai_hub_api.types import UNSET

    check_job_type("type", job_type)
    named = None if job_type is JobType.UNSPECIFIED else job_type
    extensions = {
        "name": _check_text("name", name) or UNSET,
        "device": _check_text("device", device) or UNSET,
        "model_id": check_identifier("model", _model_id(model)) if model else UNSET,
        "after": _format_time("after", after) or UNSET,
        "before": _format_time("before", before) or UNSET,
    }
    host = urlsplit(config.api_url).hostname or ""
    if is_official_host(host) and any(value is not UNSET for value in extensions.values()):
        raise UserError(
            "Qualcomm AI Hub cannot list jobs by name, device, model or time: only a local hub can."
        )
    return {
        "creator": creator or UNSET,
        "state": _format_states(state) or UNSET,
        "type_": JobTypeName(named.display_name) if named else UNSET,
        **extensions,
    }


def _check_text(argument: str, value: object) -> str:
    """Returns a text that others contain; empty for None."""
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > _MAX_TEXT or "\0" in value:
        raise UserError(
            f"{argument} must be a text of at most {_MAX_TEXT} characters, not {value!r:.300}."
        )
    return value


def _model_id(model: str | Model) -> object:
    return getattr(model, "model_id", model)


def _format_time(argument: str, value: object) -> str:
    """Returns a time as the API writes it; empty for None. Without a zone it is local."""
    if value is None:
        return ""
    if not isinstance(value, date):
        raise UserError(f"{argument} must be a datetime or a date, not {value!r:.100}.")
    moment = value if isinstance(value, datetime) else datetime.combine(value, time())
    try:
        return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat()}Z"
    except (ValueError, OverflowError, OSError):
        raise UserError(f"{argument} is out of range: {value}.") from None


def _format_states(state: JobStatus.State | list[JobStatus.State] | None) -> str:
    """Returns states in the service's form: their numbers, joined by commas."""
    states = [] if state is None else state if isinstance(state, list | tuple) else [state]
    for item in states:
        if not isinstance(item, JobStatus.State):
            raise UserError(f"state must be members of JobStatus.State, not {item!r}.")
    return ",".join(str(item.value) for item in states)


def check_job_type(argument: str, job_type: JobType | None) -> None:
    """Checks a job type.

    Args:
        argument: Name of the argument, for the error message.
        job_type: The job type; None for all.

    Raises:
        UserError: If it is something else.
    """
    if job_type is not None and not isinstance(job_type, JobType):
        raise UserError(f"{argument} must be a member of JobType, not {job_type!r}.")
