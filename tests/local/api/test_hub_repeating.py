"""What the API tells and takes so that jobs can be repeated: digests, sizes, and no cache."""

import hashlib

from support.hub_http import Api


def test_downloads_tell_the_size(ada: Api) -> None:
    model, dataset = ada.upload_model(b"some model"), ada.upload_dataset(b"some data")
    assert ada.get(f"models/{model}/download/")["url"]["size"] == 10
    assert ada.get(f"datasets/{dataset}/download_data/")["url"]["size"] == 9


def test_datasets_are_found_by_their_content(ada: Api, bob: Api) -> None:
    content = b"data of the test of datasets by content"
    sha256 = hashlib.sha256(content).hexdigest()
    first, second = (ada.upload_dataset(content, name=name) for name in ("a", "b"))
    ada.upload_dataset(content + b"!")
    bob.upload_dataset(content)

    found = ada.get("datasets/", sha256=sha256)

    assert [each["dataset_id"] for each in found["datasets"]] == [second, first]
    assert {each["sha256"] for each in found["datasets"]} == {sha256}
    assert found["total_query_count"] == 2
    assert "sha256" not in ada.get("datasets/")["datasets"][0]
    assert ada.get("datasets/", sha256="0" * 64)["datasets"] == []
