"""The setting that says where attempts are carried out."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qai_hub.local.config import HubConfig
from qai_hub.local.executor_address import RESOURCES, DaskAddress, parse_executor

HOSTS = st.from_regex(r"[a-z][a-z0-9-]{0,20}(\.[a-z0-9]{1,9})?|\[::1\]|10\.0\.0\.1", fullmatch=True)


@given(
    st.sampled_from(["tcp", "tls"]),
    HOSTS,
    st.integers(1, 65_535),
    st.lists(st.sampled_from(RESOURCES), unique=True),
)
def test_an_address_comes_back_with_its_resources(
    scheme: str, host: str, port: int, resources: list[str]
) -> None:
    scheduler = f"{scheme}://{host}:{port}"
    query = f"?resources={','.join(resources)}" if resources else ""
    assert parse_executor(f"dask:{scheduler}{query}") == DaskAddress(scheduler, tuple(resources))


@given(st.text() | st.text().map("dask:{}".format) | st.text().map("dask:tcp://host:1{}".format))
def test_what_is_no_address_is_a_value_error(text: str) -> None:
    with suppress(ValueError):
        found = parse_executor(text)
        assert found is None or found.scheduler.startswith(("tcp://", "tls://"))


@pytest.mark.parametrize(
    "text",
    [
        *("", "Local", "dask", "dask:", "dask:host:8786", "tcp://host:8786", "dask:tcp://host"),
        *("dask:tcp://host:99999", "dask:tcp://host:0", "dask:tcp://:8786", "dask:tcp://[::1:8786"),
        *("dask:http://host:8786", "dask:tcp://host:8786/path", "dask:tcp://host:8786#part"),
        *("dask:tcp://host:8786?resources", "dask:tcp://host:8786?color=red"),
        "dask:tcp://user:s3cret@host:8786",
    ],
)
def test_faults_are_told_with_an_example_and_without_secrets(text: str) -> None:
    with pytest.raises(ValueError, match="as in 'dask:tcp://scheduler:8786'") as caught:
        HubConfig(executor=text)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("names", ["gpu", "qnn,", "", "QNN"])
def test_resources_that_nothing_asks_for_are_refused(names: str) -> None:
    with pytest.raises(
        ValueError, match="resources of memory, qnn, tflite, torch, engine-tflite, "
    ):
        parse_executor(f"dask:tcp://host:1?resources={names}")


def test_a_cluster_needs_a_folder_that_is_shared() -> None:
    with pytest.raises(ValueError, match="a folder that the Dask workers share"):
        HubConfig(executor="dask:tcp://host:8786")
    assert parse_executor(HubConfig().executor) is None
