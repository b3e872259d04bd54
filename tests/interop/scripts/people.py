"""Sharing, other users, tokens and profiles."""

import qai_hub as hub

DEVICE = hub.Device("Samsung Galaxy S24")
COLLEAGUE = "colleague@example.com"


def _seen_by_colleague(identifier: str) -> str:
    client = hub.Client(profile="colleague")
    find = {"j": client.get_job, "m": client.get_model, "d": client.get_dataset}[identifier[0]]
    try:
        return type(find(identifier)).__name__
    except hub.UserError:
        return "nothing"


def share_a_model() -> None:
    model = hub.upload_model("affine.onnx")
    print(model.get_sharing(), _seen_by_colleague(model.model_id))
    model.modify_sharing(add_emails=[COLLEAGUE])
    print(model.get_sharing(), _seen_by_colleague(model.model_id))
    model.modify_sharing(delete_emails=[COLLEAGUE])
    print(model.get_sharing(), _seen_by_colleague(model.model_id))


def share_a_job_with_its_models() -> None:
    job = hub.submit_compile_job(
        "affine.onnx", DEVICE, input_specs={"x": (1, 4)}, options="--target_runtime onnx"
    )
    job.wait()
    job.modify_sharing(add_emails=[COLLEAGUE])
    target = job.get_target_model()
    print([_seen_by_colleague(i) for i in (job.job_id, job.model.model_id, target.model_id)])
    job.disable_sharing()
    print([_seen_by_colleague(i) for i in (job.job_id, job.model.model_id, target.model_id)])


def share_a_dataset() -> None:
    import numpy as np

    dataset = hub.upload_dataset({"x": [np.ones((1, 4), np.float32)]})
    dataset.modify_sharing(add_emails=[COLLEAGUE])
    print(dataset.get_sharing(), _seen_by_colleague(dataset.dataset_id))
    dataset.disable_sharing()
    print(dataset.get_sharing(), _seen_by_colleague(dataset.dataset_id))


def a_client_of_its_own() -> None:
    with hub.Client(profile="colleague") as client:
        client.set_verbose(False)
        model = client.upload_model("affine.onnx", name="theirs")
        print(model.name, client.get_models(limit=1)[0].model_id == model.model_id)
