"""Takes the pictures of a hub's pages that the guide shows: `make screenshots`."""

import io
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from PIL import Image
from playwright.sync_api import BrowserContext, sync_playwright

from qai_hub.local import LocalHub

if TYPE_CHECKING:
    from qai_hub.client import Job

FOLDER = Path(__file__).parent / "_static" / "pages"
YOU, COLLEAGUE = "you@example.com", "colleague@example.com"
# By the name of the file: path, width, height, and colour scheme. Names in braces are ids of jobs.
PICTURES = {
    "jobs": ("/jobs/", 1200, 560, "light"),
    "profile": ("/jobs/{profile}/", 1200, 1100, "light"),
    "profile-dark": ("/jobs/{profile}/", 1200, 1100, "dark"),
    "profile-narrow": ("/jobs/{profile}/", 390, 1100, "light"),
    "devices": ("/devices/?htp=v75", 1200, 640, "light"),
    "device": ("/devices/Samsung Galaxy S24/", 1200, 960, "light"),
    "health": ("/health/", 1200, 900, "light"),
    "api": ("/docs/createJob/", 1200, 800, "light"),
}


def main() -> None:
    """Take all pictures."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    with hub_with_jobs() as (hub, ids), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        context = browser.new_context(base_url=hub.url, device_scale_factor=1.5, locale="en-GB")
        sign_in(context, hub)
        page = context.new_page()
        for name, (place, width, height, scheme) in PICTURES.items():
            page.set_viewport_size({"width": width, "height": height})
            page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            page.goto(place.format_map(ids))
            image = Image.open(io.BytesIO(page.screenshot()))
            image.save(FOLDER / f"{name}.webp", quality=70, method=6)
        browser.close()


def sign_in(context: BrowserContext, hub: LocalHub) -> None:
    """Have a link sign the browser in."""
    headers = {"Authorization": f"token {hub.token(YOU)}"}
    reply = httpx.post(f"{hub.url}/api/v1/users/auth/browser/", headers=headers)
    page = context.new_page()
    page.goto(reply.raise_for_status().json()["url"])
    page.get_by_role("button", name=f"Sign in as {YOU}").click()
    page.wait_for_url("**/jobs/")
    page.close()


@contextmanager
def hub_with_jobs() -> Iterator[tuple[LocalHub, Mapping[str, str]]]:
    """Run a hub with jobs that have ended, and yield it with the ids of some."""
    with tempfile.TemporaryDirectory() as folder, LocalHub(users=[YOU, COLLEAGUE]) as hub:
        file = Path(folder) / "classifier.onnx"
        onnx.save(classifier(), file)
        client = hub.client(YOU)
        (phone,) = client.get_devices("Samsung Galaxy S24")
        model = client.upload_model(str(file))
        options = "--target_runtime qnn_context_binary"
        binary = client.submit_compile_job(model, phone, "classifier for the S24", options=options)
        portable = client.submit_compile_job(model, phone, options="--target_runtime onnx")
        random = np.random.default_rng(0)
        images = [random.normal(size=(1, 3, 32, 32)).astype(np.float32) for _ in range(3)]
        inputs = {"image": images}
        jobs: list[Job] = [
            binary,
            portable,
            client.submit_quantize_job(model, inputs, name="classifier w8a8"),
            client.submit_compile_job(model, phone, "classifier", options="--output_names a,b,c"),
        ]
        for compiled in (portable, binary):
            target = compiled.get_target_model()
            if target is not None:
                jobs.append(client.submit_inference_job(target, phone, inputs, name="classifier"))
        for job in jobs:
            job.wait()
        yield hub, {"profile": jobs[-1].job_id}


def classifier(layers: int = 12) -> onnx.ModelProto:
    """A small image classifier with random weights."""
    random = np.random.default_rng(0)
    nodes, weights, value, channels = [], [], "image", 3
    for place in range(layers):
        weight = random.normal(size=(8, channels, 3, 3)).astype(np.float32) / 3
        weights.append(numpy_helper.from_array(weight, f"weight{place}"))
        for kind, inputs in (("Conv", [value, f"weight{place}"]), ("Relu", [f"Conv{place}"])):
            node = helper.make_node(kind, inputs, [f"{kind}{place}"])
            node.name = f"/features/{place}/{kind}"
            if kind == "Conv":
                node.attribute.append(helper.make_attribute("pads", [1, 1, 1, 1]))
            nodes.append(node)
        value, channels = f"Relu{place}", 8
    nodes.append(helper.make_node("GlobalAveragePool", [value], ["pooled"], name="/pool"))
    nodes.append(helper.make_node("Flatten", ["pooled"], ["logits"], name="/flatten"))
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 32, 32])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 8])
    graph = helper.make_graph(nodes, "classifier", [image], [logits], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


if __name__ == "__main__":
    main()
