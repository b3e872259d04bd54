"""A compile job that has succeeded, and its target model."""

from support.tiny_models import affine

from qai_hub.client import Client, CompileJob, Device, Model

PHONE = "Samsung Galaxy S24"


def compile_affine(client: Client, name: str, rows: int = 1) -> CompileJob:
    """Compiles `affine` for ONNX Runtime, and waits for it.

    Args:
        client: Whose job it is.
        name: The job's name.
        rows: Size of the batch.
    """
    job = client.submit_compile_job(
        affine(batch="n"), Device(PHONE), name, {"x": (rows, 4)}, "--target_runtime onnx"
    )
    assert job.wait(240).success
    return job


def target_of(job: CompileJob) -> Model:
    """The target model of a job that has succeeded."""
    model = job.get_target_model()
    assert model is not None
    return model
