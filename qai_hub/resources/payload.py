"""How payloads become attributes, at once or when they are first read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

from qai_hub.display import html
from qai_hub.errors import InternalError
from qai_hub.tensors import TensorSpec, dtype_from_wire, dtype_to_wire
from qai_hub.transport.values import (
    find_part,
    unexpected_response,
    valid_id_or_empty,
    value_or_none,
)

if TYPE_CHECKING:
    from qai_hub_api import models as api
    from qai_hub_api.types import Unset

    from qai_hub.tensors import InputSpecs, IOSpec, ParsedSpecs

__all__ = ["on_demand"]


T = TypeVar("T")

_COLOURS = {"ERROR": html.RED, "WARNING": html.AMBER, "INFO": html.BLUE}

_MISSING: Any = object()


class _Partial(Protocol):
    """An object whose attributes are not all known yet."""

    def _fetch_missing(self) -> None:
        """Fetches the rest, if there is any."""


class _OnDemand:
    def __init__(self, default: object) -> None:
        self._default = default

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    # A non-data descriptor: called only if the instance's dictionary does not hold the attribute.
    def __get__(self, instance: _Partial | None, owner: type | None = None) -> object:
        if instance is not None:
            instance._fetch_missing()
            if self._name in vars(instance):
                return vars(instance)[self._name]
        elif self._default is _MISSING:
            return self
        if self._default is _MISSING:
            raise AttributeError(f"{type(instance).__name__!r} has no attribute {self._name!r}")
        return self._default


def on_demand(default: T = _MISSING) -> T:
    """Declares an attribute that is fetched when it is first read.

    Args:
        default: Its value if there is nothing to fetch; without a default the attribute is then
            missing.

    Returns:
        A descriptor for the class, which must have a method `_fetch_missing`.
    """
    declared: Any = _OnDemand(default)
    return declared  # type: ignore[no-any-return]


def input_specs(types: api.NamedTensorTypeList | Unset) -> InputSpecs:
    """Returns the shape and dtype of each input, in the model's order; empty if there are none."""
    given = value_or_none(types)
    tensors = given.types if given else []
    return {
        tensor.name: (tuple(kind.shape), dtype_from_wire(kind.dtype.value))
        for tensor in tensors
        if (kind := value_or_none(tensor.tensor_type))
    }


def io_spec(types: api.NamedTensorTypeList) -> IOSpec:
    """Returns the tensors of each graph, in the model's order."""
    graphs: IOSpec = {}
    for tensor in types.types:
        kind = value_or_none(tensor.tensor_type)
        if kind is None:
            continue
        spec = TensorSpec(
            tensor.name,
            dtype_from_wire(kind.dtype.value),
            tuple(kind.shape),
            value_or_none(kind.scale),
            value_or_none(kind.zero_point),
        )
        graphs.setdefault(value_or_none(tensor.graph_name), []).append(spec)
    return graphs


def specs_to_api(specs: ParsedSpecs) -> api.NamedTensorTypeListSubmit:
    """Returns input specs in the form of a submission."""
    from qai_hub_api.models import (
        NamedTensorTypeListSubmit,
        NamedTensorTypeSubmit,
        TensorDtype,
        TensorTypeSubmit,
    )

    return NamedTensorTypeListSubmit(
        types=[
            NamedTensorTypeSubmit(
                name=name,
                tensor_type=TensorTypeSubmit(
                    shape=list(shape), dtype=TensorDtype(dtype_to_wire(dtype))
                ),
            )
            for name, (shape, dtype) in specs.items()
        ]
    )


class JobDetails(Protocol):
    """What the payloads of all job types have in common."""

    name: str
    options: str
    job_state: api.JobState
    creation_time: datetime | Unset
    queued_time: datetime | Unset
    start_time: datetime | Unset
    completion_time: datetime | Unset
    failure_reason: str | Unset
    project_id: str | Unset
    user: api.User | Unset


class Notice(NamedTuple):
    """A message of a job to its user.

    Attributes:
        severity: `"DEBUG"`, `"INFO"`, `"WARNING"` or `"ERROR"`.
        context: What it concerns: `"DEVICE"`, `"MODEL"` or `"USER"`.
        message: The text.

    Examples:
        >>> for notice in inference_job.notices:
        ...     print(notice.severity, notice.message)
        INFO Measured on the CPU of this hub's host, not on a device.
    """

    severity: str
    context: str
    message: str

    def _repr_html_(self) -> str:
        return html.card(self._to_markup())

    def _to_markup(self) -> html.Markup:
        return html.paragraph(
            html.join([self._to_badge(), html.faint(self.context.lower()), self.message], " ")
        )

    def _to_badge(self) -> html.Markup:
        return html.badge(self.severity.lower(), _COLOURS.get(self.severity, html.GREY))

    def _html_row(self) -> dict[str, str]:
        return {
            "level": self._to_badge(),
            "concerns": self.context.lower(),
            "message": self.message,
        }


class User(NamedTuple):
    """A person with an account.

    Attributes:
        email: E-mail address.
        first_name: First name; empty if the service does not report it.
        last_name: Last name; empty if the service does not report it.

    Examples:
        >>> job.owner.email
        'you@example.com'
    """

    email: str
    first_name: str = ""
    last_name: str = ""

    @classmethod
    def _from_api(cls, user: api.User | Unset) -> User | None:
        given = value_or_none(user)
        if given is None or not given.email:
            return None
        return cls(given.email, given.first_name, given.last_name)

    def _repr_html_(self) -> str:
        return html.card(html.join(self._html_row().values(), " "))

    def _html_row(self) -> dict[str, str]:
        return {
            "user": html.code(self.email),
            "name": f"{self.first_name} {self.last_name}".strip(),
        }


def require_details(details: T | Unset, job_type: str) -> T:
    """Returns the part of a payload that is specific to a job type.

    Raises:
        InternalError: If the payload describes a job of another type.
    """
    given = value_or_none(details)
    if given is None:
        raise wrong_type_error(job_type)
    return given


def wrong_type_error(job_type: str) -> InternalError:
    """Returns the error for a response with another type of job than requested."""
    return InternalError(
        f"The service returned a job of another type instead of a {job_type} job.",
        status_code=200,
    )


def get_any_details(payload: api.Job) -> tuple[str, JobDetails]:
    """Returns the type-specific part of a payload, whatever the type, with its name.

    Raises:
        InternalError: If this client does not know the job type.
    """
    name, details = find_part(payload, "_job")
    if details is not None:
        return name, details
    raise InternalError(
        "The service returned a job of a type that this client does not know.", status_code=200
    )


def find_job(properties: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Returns the first property that describes a job: its identifier and its payload."""
    for key, value in properties.items():
        if not isinstance(value, dict):
            continue
        for name in ("job_id", f"{key}_id"):
            job_id = value.get(name)
            if isinstance(job_id, str) and valid_id_or_empty(job_id):
                return job_id, value
    raise unexpected_response("a job")
