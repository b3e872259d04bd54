"""The pages of models: what they show, to whom, and what their forms do."""

import io
import zipfile

import httpx
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from support.fake_worker import FakeWorker
from support.hub_http import Api
from support.page_browser import PageBrowser
from support.tiny_models import affine

HOSTILE = "<script>alert(1)</script>\u202e\"'&😀" + "x" * 200


@pytest.fixture(scope="module")
def model(ada: Api) -> str:
    proto = affine(batch="n")
    helper.set_model_props(proto, {"author": HOSTILE})
    proto.producer_name, proto.producer_version = "maker", "2.1"
    return ada.upload_model(proto.SerializeToString(), name="affine")


def test_a_model_is_shown_with_what_is_in_it(model: str, browser: PageBrowser) -> None:
    html = browser.get(f"/models/{model}/").source
    text = browser.get(f"/models/{model}/").text
    assert "<script>alert" not in html
    assert "x n x 4 float32" in text
    assert "y n x 4 float32" in text
    assert "Opset ai.onnx 17" in text
    assert "Made by maker 2.1" in text
    assert "Parameters 8 in 2 tensors, 32 B" in text
    assert "Operator Nodes Mul 1 Add 1" in text or "Operator Nodes Add 1 Mul 1" in text
    assert "author <script>alert(1)</script>" in text


def test_nodes_in_branches_count_and_so_do_their_constants(ada: Api, browser: PageBrowser) -> None:
    constant = onnx.numpy_helper.from_array(np.ones((3,), np.float32), "c")
    inner = helper.make_graph(
        [
            helper.make_node("Constant", [], ["k"], value=constant),
            helper.make_node("Neg", ["k"], ["z"]),
        ],
        "branch",
        [],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, [3])],
    )
    nodes = [
        helper.make_node("If", ["b"], ["y"], then_branch=inner, else_branch=inner),
        helper.make_node("QuantizeLinear", ["y", "s"], ["q"]),
        helper.make_node("Odd", ["q"], ["r"], domain="example.com"),
    ]
    ports = [
        helper.make_tensor_value_info("b", TensorProto.BOOL, []),
        helper.make_tensor_value_info("s", TensorProto.FLOAT, []),
    ]
    graph = helper.make_graph(nodes, "g", ports, [helper.make_tensor_value_info("r", 0, None)])
    key = ada.upload_model(helper.make_model(graph).SerializeToString())
    text = browser.get(f"/models/{key}/").text
    assert "Parameters 6 in 2 tensors" in text
    assert "Neg 2" in text
    assert "example.com.Odd 1" in text
    assert "Quantization 1 QuantizeLinear, 0 DequantizeLinear" in text
    assert "r unknown undefined" in text


def test_a_folder_is_shown_by_its_files(ada: Api, browser: PageBrowser) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("net.onnx/model.onnx", affine().SerializeToString())
        archive.writestr("net.onnx/weights.data", bytes(5000))
    key = ada.upload_model(content.getvalue())
    text = browser.get(f"/models/{key}/").text
    assert "Operator Nodes" in text
    assert "File Size net.onnx/weights.data 4.88 KiB net.onnx/model.onnx" in text


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\xff" * 100, "The model is damaged: it cannot be parsed."),
        (b"", "The model is damaged: it has no graph."),
        (b"PK\x03\x04 and more", "The model is damaged: it cannot be parsed."),
    ],
)
def test_a_damaged_model_says_so(
    content: bytes, reason: str, ada: Api, browser: PageBrowser
) -> None:
    if not content:
        content = onnx.ModelProto(ir_version=9).SerializeToString()
    text = browser.get(f"/models/{ada.upload_model(content)}/").text
    assert f"The model cannot be shown. {reason}" in text


def test_names_that_are_not_utf8_are_shown(ada: Api, browser: PageBrowser) -> None:
    proto = affine()
    proto.producer_name = "a tool"
    proto.graph.name = "a name"
    proto.graph.node[0].op_type = "AnOp"
    content = proto.SerializeToString()
    for name in (b"a tool", b"a name", b"AnOp"):
        content = content.replace(name, b"\xff" + name[1:])
    text = browser.get(f"/models/{ada.upload_model(content)}/").text
    assert "Made by \N{REPLACEMENT CHARACTER} tool" in text
    assert "\N{REPLACEMENT CHARACTER}nOp 1" in text


def test_a_damaged_archive_says_so(ada: Api, browser: PageBrowser) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("é.onnx", affine().SerializeToString())
    whole = content.getvalue()
    misnamed = whole.replace("é".encode(), b"\xff\xff")
    # An archive ends with the place of its directory, and the length of a comment.
    misplaced = whole[:-6] + b"\xff\xff\xff\xff\0\0"
    for damaged in (misnamed, misplaced):
        text = browser.get(f"/models/{ada.upload_model(damaged)}/").text
        assert "The model is damaged: its archive cannot be read" in text


def test_a_declared_size_that_no_tensor_has_counts_as_none(ada: Api, browser: PageBrowser) -> None:
    proto = affine()
    proto.graph.initializer.add(name="bomb", data_type=1, dims=[2**62] * 30)
    proto.graph.initializer.add(name="minus", data_type=1, dims=[-5])
    key = ada.upload_model(proto.SerializeToString())
    assert "Parameters 8 in 4 tensors" in browser.get(f"/models/{key}/").text


def test_a_model_that_a_job_makes_leads_to_the_job(
    ada: Api, browser: PageBrowser, worker: FakeWorker
) -> None:
    worker.may_finish.clear()
    job, made = ada.compile(ada.upload_model(affine().SerializeToString(), name="source"))
    waiting = browser.get(f"/models/{made}/").text
    assert f"is not ready yet: the job {job} has not ended" in waiting
    assert "Download" not in waiting
    worker.may_finish.set()
    ada.wait(job)
    html = browser.get(f"/models/{made}/").source
    assert f'href="/jobs/{job}/"' in html
    assert "Makes it" in html
    # The stand-in makes no ONNX.
    assert "The model cannot be shown." in html
    listed = browser.get("/models/").source
    assert f'href="/models/{made}/"' in listed
    assert f'<a href="/jobs/{job}/">{job}</a>' in listed


def test_the_list_has_pages(other_browser: PageBrowser, bob: Api) -> None:
    keys = [bob.create_model(f"m{number}") for number in range(51)]
    first = other_browser.get("/models/").source
    assert f"/models/{keys[-1]}/" in first
    assert f"/models/{keys[0]}/" not in first
    cursor = first.partition("cursor=")[2].partition('"')[0]
    last = other_browser.get(f"/models/?cursor={cursor}").source
    assert f"/models/{keys[0]}/" in last
    assert "cursor=" not in last
    assert other_browser.http.get("/models/?cursor=x'").status_code == 200


def test_others_see_a_model_only_once_it_is_shared(
    ada: Api, browser: PageBrowser, other_browser: PageBrowser
) -> None:
    key = ada.upload_model(affine().SerializeToString(), name=HOSTILE)
    for path in ("", "file", "delete/"):
        assert other_browser.http.get(f"/models/{key}/{path}").status_code == 404
    assert browser.post(f"/models/{key}/", do="share", emails="bob@example.com").status_code == 303
    html = other_browser.get(f"/models/{key}/").source
    assert "Opset" in html
    assert "Delete" not in html
    assert "Rename" not in html
    assert "<script>alert" not in html
    assert "shared" in other_browser.get("/models/").text
    assert other_browser.post(f"/models/{key}/", do="rename", name="mine").status_code == 403
    assert other_browser.http.get(f"/models/{key}/delete/").status_code == 403
    assert other_browser.post(f"/models/{key}/delete/").status_code == 403
    assert "bob@example.com may see it." in browser.get(f"/models/{key}/").text
    browser.post(f"/models/{key}/", do="unshare", email="bob@example.com")
    assert other_browser.http.get(f"/models/{key}/").status_code == 404


def test_a_model_is_renamed_and_deleted(ada: Api, browser: PageBrowser) -> None:
    key = ada.upload_model(affine().SerializeToString())
    browser.post(f"/models/{key}/", do="rename", name="  better ")
    assert ada.get(f"models/{key}/")["name"] == "better"
    assert browser.post(f"/models/{key}/", do="nonsense").status_code == 400
    question = browser.get(f"/models/{key}/delete/").text
    assert "Delete this model?" in question
    assert ada.http.get(f"models/{key}/").status_code == 200
    assert browser.post(f"/models/{key}/delete/").headers["Location"] == "/models/"
    assert browser.http.get(f"/models/{key}/").status_code == 404
    assert key not in browser.get("/models/").source


def test_the_download_is_a_signed_url_that_no_page_has(model: str, browser: PageBrowser) -> None:
    assert "signature" not in browser.get(f"/models/{model}/").source
    led = browser.http.get(f"/models/{model}/file")
    assert led.status_code == 303
    proto = onnx.ModelProto.FromString(httpx.get(led.headers["Location"]).content)
    assert proto.producer_name == "maker"
