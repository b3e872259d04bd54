"""`public_api_pb2`: messages and enums as protoc would make them."""

import importlib
import subprocess
import sys
from typing import Any

import pytest

from qai_hub.wire.descriptor import load_descriptor

pb: Any = importlib.import_module("qai_hub.public_api_pb2")


def test_messages_take_keywords() -> None:
    version = pb.ToolVersion(name="onnx", version="1.19")
    result = pb.JobResult(
        compile_job_result=pb.CompileJobResult(
            compile_detail=pb.CompileDetail(tool_versions=[version])
        )
    )
    assert result.compile_job_result.compile_detail.tool_versions[0].version == "1.19"
    assert result.HasField("compile_job_result")
    assert not result.HasField("inference_job_result")
    assert isinstance(result, pb.JobResult)
    assert pb.JobResult.FromString(result.SerializeToString()) == result
    detail = pb.ProfileDetail(tool_versions=[version])
    assert pb.InferenceJobResult(detail=detail).detail.tool_versions == [version]


def test_frameworks_are_as_the_tests_of_scripts_make_them() -> None:
    framework = pb.Framework(
        name="QAIRT", api_version="2.31", api_tags=["latest"], full_version="2.31.0"
    )
    assert (framework.name, list(framework.api_tags)) == ("QAIRT", ["latest"])
    assert pb.Framework(api_version="1") == pb.Framework(api_version="1")
    with pytest.raises(ValueError, match="no_such_field"):
        pb.Framework(no_such_field=1)


def test_times_have_seconds() -> None:
    job = pb.CompileJob()
    assert not job.HasField("completion_time")
    job.completion_time.FromJsonString("2026-01-02T03:04:05Z")
    assert job.HasField("completion_time")
    assert job.completion_time.seconds - job.start_time.seconds == 1767323045


def test_enums_and_their_values_are_names_of_the_module() -> None:
    assert pb.JOB_STATE_DONE == 10
    assert pb.JobState.Name(pb.JOB_STATE_DONE) == "JOB_STATE_DONE"
    assert pb.JobState.Value("JOB_STATE_FAILED") == pb.JobState.JOB_STATE_FAILED == 30
    assert pb.ModelType.items()[6] == ("MODEL_TYPE_ONNX", 6)
    assert pb.Notice.Severity.Name(pb.Notice.WARNING) == "WARNING"


def test_every_message_and_enum_is_there() -> None:
    file = load_descriptor().file
    messages = {message.name for message in file.message_type}
    enums = {enum.name for enum in file.enum_type}
    assert messages | enums | {"DESCRIPTOR", "JOB_TYPE_LINK"} <= set(dir(pb))
    assert [name for name in dir(pb) if not hasattr(pb, name)] == []
    assert {pb.DESCRIPTOR.package} == {"qai_hub.api"}
    for name in messages:
        assert getattr(pb, name)() == getattr(pb, name)()
        assert getattr(pb, name) is getattr(pb, name)
    for name in enums:
        assert getattr(pb, name).keys()


def test_other_names_are_attribute_errors() -> None:
    for name in ("NoSuchMessage", "__path__", "EntriesEntry", "Severity"):
        with pytest.raises(AttributeError, match=name):
            getattr(pb, name)


def test_it_is_an_attribute_of_the_package() -> None:
    code = (
        "import qai_hub\n"
        "assert 'public_api_pb2' not in dir(qai_hub)\n"
        "assert qai_hub.public_api_pb2.Job and qai_hub.public_rest_api.get_job\n"
        "assert qai_hub.api_utils.str2bool('yes') and qai_hub.util\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_protobuf_is_loaded_by_the_first_message_only() -> None:
    code = (
        "import sys, qai_hub.public_api_pb2 as pb, qai_hub.public_rest_api, qai_hub.api_utils\n"
        "import qai_hub.util.session, qai_hub.util.zipped_model, qai_hub.client, qai_hub.hub\n"
        "import qai_hub.util.dataset_entries_converters\n"
        "assert 'google.protobuf' not in sys.modules\n"
        "pb.Job\n"
        "assert 'google.protobuf' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
