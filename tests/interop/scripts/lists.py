"""Lists of jobs, devices and frameworks."""

import functools

import qai_hub as hub

DEVICE = hub.Device("Samsung Galaxy S24")


@functools.cache
def _three_jobs() -> list[hub.CompileJob]:
    model = hub.upload_model("affine.onnx")
    jobs = [
        hub.submit_compile_job(
            model, DEVICE, f"summary {i}", {"x": (1, 4)}, "--target_runtime onnx"
        )
        for i in range(3)
    ]
    for job in jobs:
        job.wait()
    return jobs


def list_job_summaries() -> None:
    jobs = _three_jobs()
    found = hub.get_job_summaries(limit=3)
    print([summary.name for summary in found], [type(s).__name__ for s in found])
    print([summary.job_id for summary in reversed(found)] == [job.job_id for job in jobs])
    print({summary.status.code for summary in found}, {summary.job_type for summary in found})
    print({summary.device_name for summary in found}, {summary.username for summary in found})
    print([s.url == job.url for s, job in zip(reversed(found), jobs, strict=True)])
    print([summary.name for summary in hub.get_job_summaries(offset=1, limit=1)])


def filter_job_summaries() -> None:
    _three_jobs()
    success, failed = hub.JobStatus.State.SUCCESS, hub.JobStatus.State.FAILED
    print(len(hub.get_job_summaries(limit=3, state=success)))
    print(len(hub.get_job_summaries(limit=3, state=[success, failed])))
    print({s.status.code for s in hub.get_job_summaries(state=failed)} <= {"FAILED"})
    print(len(hub.get_job_summaries(limit=2, type=hub.JobType.COMPILE)))
    print({s.job_type for s in hub.get_job_summaries(type=hub.JobType.LINK)})
    print(len(hub.get_job_summaries(limit=2, creator="me@example.com")))
    print(hub.get_job_summaries(creator="nobody@example.com"))


def list_devices() -> None:
    devices = hub.get_devices()
    print(len(devices), devices[0])
    print(all(isinstance(device, hub.Device) for device in devices))


def filter_devices() -> None:
    print(hub.get_devices("Samsung Galaxy S24"))
    print(len(hub.get_devices(os="14", attributes="vendor:samsung")))
    print(len(hub.get_devices(os="[13,14)", attributes="vendor:samsung")))
    print([d.name for d in hub.get_devices(attributes="chipset:qualcomm-snapdragon-8gen3")][:2])
    both = ["vendor:samsung", "framework:onnx"]
    print(len(hub.get_devices(attributes=both)))
    print(hub.get_devices(name="No Such Phone"))


def devices_by_os_alone() -> None:
    print(len(hub.get_devices(os="14")))


def list_device_attributes() -> None:
    attributes = hub.get_device_attributes()
    print(len(attributes), attributes == sorted(attributes), attributes[:3])


def list_frameworks() -> None:
    for framework in hub.get_frameworks():
        print(framework.name, framework.api_version, framework.api_tags, framework.full_version)
