"""How jobs and their summaries look, by what is known of them: nothing is fetched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from qai_hub.display import html
from qai_hub.display.text import format_fields
from qai_hub.display.times import format_duration, format_moment
from qai_hub.status import JobStatus, JobType

_MAX_NOTICES = 20


def name_type(job_type: JobType, known: Mapping[str, Any]) -> str:
    """Returns what people read as the type of a job, given its attributes as far as they are known.

    A profile job is an inference job with profiling and without inputs. Summaries do not tell
    whether there are inputs.
    """
    if known.get("profiling") and "inputs" in known and known["inputs"] is None:
        return "profile"
    return job_type.display_name


def format_job(class_name: str, status: JobStatus | None, known: Mapping[str, Any]) -> str:
    """Formats the repr of a job, given its status and attributes as far as they are known."""
    fields = {"job_id": known["job_id"]}
    if "name" in known:
        fields["name"] = known["name"]
    if "model" in known:
        fields["model_id"] = known["model"].model_id
    if "models" in known:
        fields["model_ids"] = [model.model_id for model in known["models"]]
    if _device(known)[0]:
        fields["device"] = _device(known)[0]
    if "profiling" in known:
        fields["profiling"] = known["profiling"]
    if status is not None:
        fields["status"] = status.code
    return format_fields(class_name, fields)


@dataclass(frozen=True)
class JobView:
    """What notebooks show of a job.

    Attributes:
        job_type: Its type.
        url: URL of its page.
        status: Its status when it was last fetched; None if it has not been fetched.
        known: Those of its attributes that are known, by name.
    """

    job_type: JobType
    url: str
    status: JobStatus | None
    known: Mapping[str, Any]

    def to_html(self) -> str:
        """Returns the job as HTML."""
        known = self.known
        title = html.headline(
            html.link(self.url, f"{self._kind} job"),
            html.code(known["job_id"]),
            known.get("name", ""),
        )
        notices = known.get("notices", ())
        more = len(notices) - _MAX_NOTICES
        return html.card(
            title,
            html.facts(
                {
                    "status": self._format_status(),
                    **self._format_subject(),
                    "options": html.code(known.get("options", "")),
                    "project": html.code(known.get("project_id") or ""),
                    "owner": html.code(known["owner"].email) if known.get("owner") else "",
                    **self._format_times(),
                }
            ),
            *(html.paragraph(notice._to_markup()) for notice in notices[:_MAX_NOTICES]),
            html.faint(f"and {more:,} more notices") if more > 0 else "",
        )

    def to_row(self) -> dict[str, str]:
        """Returns the job as a row of a table."""
        known = self.known
        return {
            "job": html.link(self.url, html.code(known["job_id"])),
            "type": self._kind.lower(),
            "name": html.name(known.get("name", "")),
            "device": html.name(_device(known)[0]),
            "status": self.status._to_badge() if self.status else "",
            **self._format_times(),
        }

    @property
    def _kind(self) -> str:
        is_known = self.job_type is not JobType.UNSPECIFIED
        return name_type(self.job_type, self.known).capitalize() if is_known else "Unknown"

    def _format_status(self) -> str:
        if self.status is None:
            return html.faint("not fetched yet")
        known = self.status._to_markup()
        if self.status.finished:
            return known
        return html.join([known, html.faint("when it was last fetched")], " ")

    def _format_subject(self) -> dict[str, str]:
        """Returns what the job is about."""
        known = self.known
        models = [known["model"]] if "model" in known else known.get("models", [])
        types = {what: known.get(f"{what}_dtype") for what in ("weights", "activations")}
        data = known.get("inputs") or known.get("calibration_dataset")
        has_target = self.status is not None and self.status.success
        target = known.get("_target_model") if has_target else None
        return {
            "device": ", OS ".join(text for text in _device(known) if text),
            "model": html.join([_reference(one.model_id, one.name) for one in models], ", "),
            "data": _reference(data.dataset_id, data.name) if data else "",
            "target model": _reference(target.model_id, target.name) if target else "",
            "types": ", ".join(f"{what} {dtype.name}" for what, dtype in types.items() if dtype),
        }

    def _format_times(self) -> dict[str, str]:
        known = self.known
        created = known.get("created_at") or known.get("date")
        start, end = known.get("started_at"), known.get("completed_at")
        queued = known.get("queued_at") or known.get("created_at")
        is_over = end is not None or start is None
        return {
            "submitted": format_moment(created),
            "queued": format_duration(queued, start or end),
            "ran": format_duration(start, end) if is_over else f"since {format_moment(start)}",
        }


def _device(known: Mapping[str, Any]) -> tuple[str, str]:
    """Returns the name of a job's device and the version of its operating system, or ""."""
    device = known.get("device")
    if device is not None:
        return device.name, device.os
    return known.get("device_name") or "", known.get("device_os_version") or ""


def _reference(identifier: str, name: str) -> html.Markup:
    return html.join([html.code(identifier), html.name(name)], " ")
