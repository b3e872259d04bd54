"""A hub whose jobs run in other processes lists the frameworks that these have."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

from qai_hub.client import Client
from qai_hub.local import LocalHub
from qai_hub.local.config import HubConfig
from qai_hub.local.store.nodes import Node, add_node, read_clock
from qai_hub.local.store.postgresql import PostgresqlStore

NODE = Node("n1", "there:1", "worker", "1", 2, "2026-01-02T12:00:00.000000Z")


def engine_versions(client: Client) -> list[str]:
    """The QAIRT versions that are not the hub's own."""
    listed = client.get_frameworks()
    return [each.full_version for each in listed if each.name == "QAIRT" and not each.api_tags]


def test_the_engines_are_those_of_the_processes_that_take_jobs(
    postgresql_url: str, tmp_path: Path
) -> None:
    config = HubConfig(data_dir=tmp_path / "data", database=postgresql_url, max_parallel_jobs=0)
    with LocalHub.from_config(config) as hub, closing(PostgresqlStore(postgresql_url)) as store:
        client = hub.client()
        assert engine_versions(client) == []
        with store.write() as db:
            now = read_clock(db)
            add_node(db, replace(NODE, labels="engine-qnn-2.49,engine-tflite,qnn"), now)
            add_node(db, replace(NODE, id="n2", labels="engine-qnn-2.47,qnn"), now)
            # What takes no jobs any more, or is not heard of, counts for nothing.
            draining = replace(NODE, id="n3", labels="engine-qnn-2.48", draining=True)
            add_node(db, draining, now)
            add_node(db, replace(NODE, id="n4", labels="engine-qnn-2.50"), now - 3_600_000_000)
        assert engine_versions(client) == ["2.47.0", "2.49.40"]
        assert {"onnx", "onnxruntime"} <= {each.name for each in client.get_frameworks()}
