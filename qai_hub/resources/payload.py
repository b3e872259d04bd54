"""Shapes and dtypes of models' inputs and outputs, to and from the service."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

from qai_hub.errors import InternalError
from qai_hub.resources.artifacts import Ending
from qai_hub.resources.profile_payload import tools_from_api
from qai_hub.tensors import TensorSpec, dtype_from_wire, dtype_to_wire, parse_input_specs
from qai_hub.transport.values import known

if TYPE_CHECKING:
    from qai_hub_api import models as api
    from qai_hub_api.types import Unset

    from qai_hub.tensors import InputSpecs, IOSpec


def input_specs(types: api.NamedTensorTypeList | Unset) -> InputSpecs:
    """Shape and dtype for each input, in the model's order; empty if there are none."""
    given = known(types)
    tensors = given.types if given else []
    return {
        tensor.name: (tuple(kind.shape), dtype_from_wire(kind.dtype.value))
        for tensor in tensors
        if (kind := known(tensor.tensor_type))
    }


def io_spec(types: api.NamedTensorTypeList) -> IOSpec:
    """The tensors of each graph, in the model's order."""
    graphs: IOSpec = {}
    for tensor in types.types:
        kind = known(tensor.tensor_type)
        if kind is None:
            continue
        spec = TensorSpec(
            tensor.name,
            dtype_from_wire(kind.dtype.value),
            tuple(kind.shape),
            known(kind.scale),
            known(kind.zero_point),
        )
        graphs.setdefault(known(tensor.graph_name), []).append(spec)
    return graphs


def specs_to_api(specs: InputSpecs) -> api.NamedTensorTypeListSubmit:
    """What a submission says of the inputs.

    Raises:
        UserError: If the specs are not shapes, or shapes with dtypes.
    """
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
            for name, (shape, dtype) in parse_input_specs(specs).items()
        ]
    )


class UsesTools(Ending):
    """Something on the hub that uses tools, and tells which when it has ended."""

    def get_tool_versions(self) -> dict[str, str]:
        """Tells which tools the job used, after waiting for its end.

        Returns:
            The version of each tool, by its name. They are empty if the job failed, and for an
            inference job that does not profile: the service does not tell them then.

        Examples:
            >>> list(job.get_tool_versions())
            ['ONNX Runtime', 'ONNX', 'Python']
        """
        from qai_hub_api.api.jobs import get_job_result

        if not self.wait().success:
            return {}
        answer = self._owner._connection.call(get_job_result.sync, self.job_id)
        return tools_from_api(tool for detail in _details(answer) for tool in detail.tool_versions)


def _details(
    answer: api.JobResult,
) -> Iterator[api.CompileDetail | api.QuantizeDetail | api.LinkDetail | api.ProfileDetail]:
    """How a job was carried out, of whichever type it is; nothing if its type is not known."""
    compiled, quantized = known(answer.compile_job_result), known(answer.quantize_job_result)
    linked, run = known(answer.link_job_result), known(answer.inference_job_result)
    old = known(answer.profile_job_result)
    details = (
        known(compiled.compile_detail) if compiled else None,
        known(quantized.quantize_detail) if quantized else None,
        known(linked.link_detail) if linked else None,
        known(run.detail) if run else None,
        known(old.profile) if old else None,
    )
    return (detail for detail in details if detail is not None)


T = TypeVar("T")


class JobDetails(Protocol):
    """What the payloads of all job types have."""

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
    """Something that a job wants its user to know.

    Attributes:
        severity: `"DEBUG"`, `"INFO"`, `"WARNING"` or `"ERROR"`.
        context: What it is about: `"DEVICE"`, `"MODEL"` or `"USER"`.
        message: The text.

    Examples:
        >>> for notice in inference_job.notices:
        ...     print(notice.severity, notice.message)
        INFO Measured on the CPU of this hub's host, not on a device.
    """

    severity: str
    context: str
    message: str


class User(NamedTuple):
    """A person with an account.

    Attributes:
        email: E-mail address.
        first_name: First name; empty if the service does not tell.
        last_name: Last name, likewise.

    Examples:
        >>> job.owner.email
        'you@example.com'
    """

    email: str
    first_name: str = ""
    last_name: str = ""

    @classmethod
    def _from_api(cls, user: api.User | Unset) -> User | None:
        given = known(user)
        if given is None or not given.email:
            return None
        return cls(given.email, given.first_name, given.last_name)


def expect(details: T | Unset, job_type: str) -> T:
    """The part of a payload that is about a type of job.

    Raises:
        InternalError: If the payload is about another type.
    """
    given = known(details)
    if given is None:
        raise InternalError(
            f"The service answered another type of job where a {job_type} job was.",
            status_code=200,
        )
    return given


def any_details(payload: api.Job) -> JobDetails:
    """The part of a payload that is about a type of job, whichever it is.

    Raises:
        InternalError: If the payload is about no type that this client knows.
    """
    details: list[JobDetails | Unset] = [
        payload.compile_job,
        payload.inference_job,
        payload.profile_job,
        payload.quantize_job,
        payload.link_job,
    ]
    for one in map(known, details):
        if one is not None:
            return one
    raise InternalError(
        "The service answered a type of job that this client does not know.", status_code=200
    )
