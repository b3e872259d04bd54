"""A target model for QNN, as a report tells of it."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Self

from qai_hub.local.execution.host import tool_versions
from qai_hub.local.execution.qnn.metadata import metadata_of
from qai_hub.local.execution.qnn.provenance import Provenance
from qai_hub.local.execution.qnn.provider import provider_version, sdk_version
from qai_hub.local.execution.qnn.settings import QnnSettings

TARGET = "target_model"
SOURCE = "source"


class Made(NamedTuple):
    """A target model.

    Attributes:
        result: What the report says of it.
        files: The published files within the attempt's folder, by what they are.
        notices: What its user is to know.
    """

    result: dict[str, Any]
    files: dict[str, str]
    notices: list[dict[str, str]]

    @classmethod
    def of(
        cls,
        model_type: str,
        files: dict[str, str],
        provenance: Provenance,
        settings: QnnSettings,
        notices: Sequence[dict[str, str]] = (),
    ) -> Self:
        """Describe a target model.

        Args:
            model_type: Its format.
            files: The published files within the attempt's folder, by what they are.
            provenance: How it was made.
            settings: The settings that it was made with.
            notices: What its user is to know besides what was ignored of them.

        Returns:
            The target model.
        """
        result = {
            "target_model_type": model_type,
            "provenance": provenance.to_json(),
            "metadata": metadata_of(provenance, settings.optimization),
            "tool_versions": qnn_tool_versions(),
        }
        return cls(result, files, [*settings.notices, *notices])


def qnn_tool_versions() -> list[dict[str, str]]:
    """Return the tools of jobs for QNN, as the JSON of `ToolVersion` messages."""
    qnn = {"QNN SDK": sdk_version(), "ONNX Runtime QNN": provider_version()}
    return [{"name": name, "version": version} for name, version in qnn.items()] + tool_versions()
