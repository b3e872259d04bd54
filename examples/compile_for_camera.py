"""Compile a model for frames as a camera delivers them: bytes, with the channels last.

    python examples/compile_for_camera.py

The target model of model.onnx (see make_model.py) takes uint8[1, 48, 192, 3] instead of
float32[1, 3, 48, 192], so that an application passes frames on as they are. Bytes become floats
of the same value: a model that wants values from 0 to 1 has to divide by itself. A local hub adds
the nodes for all that; the official service may want another type in the model itself.
"""

import numpy as np

import qai_hub as hub

DEVICE = hub.Device("Samsung Galaxy S24")


def main() -> None:
    """Compiles the model, and runs it on a frame."""
    compile_job = hub.submit_compile_job(
        "model.onnx",
        DEVICE,
        # In the layout of the source model.
        input_specs={"x": ((1, 3, 48, 192), "uint8")},
        options="--target_runtime onnx --force_channel_last_input x",
    )
    shapes = compile_job.get_target_shapes()
    if not shapes:
        raise SystemExit(compile_job.get_status().message)
    print(f"The target model takes {shapes}")
    for notice in compile_job.notices:
        print(f"- {notice.message}")

    frame = np.random.default_rng(0).integers(0, 256, (1, 48, 192, 3), np.uint8)
    job = hub.submit_inference_job(
        compile_job.get_target_model(), DEVICE, {"x": [frame]}, profile=False
    )
    outputs = job.download_output_data()
    if outputs is None:
        raise SystemExit(job.get_status().message)
    print(f"The scores of a frame: {np.round(outputs['y'][0], 1)}")


if __name__ == "__main__":
    main()
