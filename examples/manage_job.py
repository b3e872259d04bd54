"""Look after a job: wait with a deadline, find it again, rename it, share it, cancel it.

    python examples/manage_job.py
    python examples/manage_job.py colleague@example.com

With an address, the job is shared with that person, and then with nobody.
"""

import sys

import qai_hub as hub

DEVICE = hub.Device("Samsung Galaxy S24")


def main() -> None:
    """Submits a job and does with it what can be done."""
    job = hub.submit_compile_job("model.onnx", DEVICE, options="--target_runtime onnx")
    print(f"Submitted {job.job_id}, see {job.url}")
    try:
        status = job.wait(timeout=600)
    except TimeoutError as late:
        # The job goes on: the text says how to find it again.
        raise SystemExit(late) from None
    print(f"It ended with {status.code} {status.message}".rstrip())

    # Another program, on another day, has the identifier alone.
    found = hub.get_job(job.job_id)
    found.set_name("classifier, first try")
    print(f"It is called {found.name!r} now, and was made with {found.get_tool_versions()}")
    print(f"  submitted {found.created_at}, started {found.started_at}, ended {found.completed_at}")

    if emails := sys.argv[1:]:
        found.modify_sharing(add_emails=emails)
        print(f"Shared with {', '.join(found.get_sharing())}")
        found.disable_sharing()

    second = hub.submit_compile_job(
        "model.onnx", DEVICE, "another", options="--target_runtime onnx"
    )
    try:
        # A job that has ended already stays as it is.
        print(f"The other one: {second.cancel()}")
    except hub.UserError as refusal:
        # The official service cancels no jobs.
        print(refusal)


if __name__ == "__main__":
    main()
