"""Compile a PyTorch module, without a file in between.

    python examples/compile_pytorch.py

A module is Python code, so it is exported first. `input_specs` names the inputs of the target
model, in the order in which `forward` takes them. Needs torch, here and on a local hub.
"""

import torch

import qai_hub as hub

DEVICE = hub.Device("Samsung Galaxy S24")


def main() -> None:
    """Exports and compiles a classifier of images."""
    module = torch.nn.Sequential(
        torch.nn.Conv2d(3, 16, kernel_size=3, stride=2),
        torch.nn.ReLU(),
        torch.nn.AdaptiveAvgPool2d(1),
        torch.nn.Flatten(),
        torch.nn.Linear(16, 10),
    )
    shape = (1, 3, 48, 192)
    exported = torch.export.export(module.eval(), (torch.zeros(shape),))
    job = hub.submit_compile_job(
        exported,
        DEVICE,
        input_specs={"image": shape},
        options="--target_runtime onnx --output_names scores",
    )
    path = job.download_target_model("compiled/from_pytorch")
    if path is None:
        raise SystemExit(job.get_status().message)
    print(f"{path} takes {job.get_target_shapes()}")


if __name__ == "__main__":
    main()
