import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.execution_models import spec

from qai_hub.local.engine.failures import FailureType, JobFailure
from qai_hub.local.engine.protocol import Soc, TensorSpec
from qai_hub.local.engine.qnn.provenance import (
    Graph,
    GraphPart,
    Provenance,
    build_metadata,
    require_provenance,
)

SOCS = st.builds(Soc, soc_model=st.integers(0, 200), hexagon=st.integers(60, 90))
SPECS = st.builds(
    TensorSpec, shape=st.lists(st.integers(0, 9)).map(tuple), dtype=st.just("float32")
)
PARTS = st.builds(GraphPart, nodes=st.lists(st.tuples(st.text(), st.text()), max_size=3).map(tuple))
GRAPHS = st.builds(
    Graph,
    inputs=st.lists(SPECS, max_size=2).map(tuple),
    outputs=st.lists(SPECS, max_size=2).map(tuple),
    parts=st.lists(PARTS, max_size=2).map(tuple),
)
CHIP = Soc(name="chip", soc_model=57, hexagon=75, fp16=True, weight_sharing=True)


def graph(name: str) -> Graph:
    parts = (GraphPart("", (("c", "Erf"),)), GraphPart(f"inner_{name}", (("a", "Add"),)))
    return Graph(name=name, inputs=(spec("x", (1,)),), outputs=(spec("y", (1,)),), parts=parts)


def provenance_of(*names: str, runtime: str = "qnn_context_binary") -> Provenance:
    graphs = tuple(map(graph, names))
    return Provenance(runtime=runtime, soc=CHIP, sdk="2.51.0", graphs=graphs)


@given(st.builds(Provenance, soc=SOCS, graphs=st.lists(GRAPHS, max_size=2).map(tuple)))
def test_it_survives_a_stay_in_the_database(provenance: Provenance) -> None:
    assert require_provenance(json.loads(json.dumps(provenance.to_json())), "binary") == provenance


def test_what_nothing_is_known_of_is_refused() -> None:
    with pytest.raises(JobFailure, match="This hub did not make this DLC, ") as caught:
        require_provenance(None, "DLC")
    assert caught.value.failure_type is FailureType.UNSUPPORTED


@pytest.mark.parametrize(("soc_model", "hexagon"), [(57, 73), (43, 75)])
def test_another_chip_does_not_run_it(soc_model: int, hexagon: int) -> None:
    other = Soc(name="other", soc_model=soc_model, hexagon=hexagon, fp16=True, weight_sharing=True)
    with pytest.raises(JobFailure, match="compile it for this device") as caught:
        provenance_of("a").check_runs_on(other)
    assert f"the device has other (SoC model {soc_model}, Hexagon v{hexagon})" in str(caught.value)


def test_the_same_chip_under_another_name_runs_it() -> None:
    twin = Soc(name="for Galaxy", soc_model=57, hexagon=75, fp16=True, weight_sharing=True)
    provenance_of("a").check_runs_on(twin)


def test_graphs_are_found_by_either_name() -> None:
    assert provenance_of("a").select_graph().name == "a"
    for wanted in ("b", "inner_b"):
        assert provenance_of("a", "b").select_graph([wanted]).name == "b"
    assert graph("a").internal_name == "inner_a"


@pytest.mark.parametrize("wanted", [[], ["a", "b"]])
def test_one_of_several_graphs_is_to_be_named(wanted: list[str]) -> None:
    with pytest.raises(JobFailure, match="has the graphs 'a', 'b': select one"):
        provenance_of("a", "b").select_graph(wanted)


def test_a_graph_that_is_not_there() -> None:
    with pytest.raises(JobFailure, match=r"has no graph 'c'\. It has 'a', 'b'"):
        provenance_of("a", "b").select_graph(["c"])


def test_metadata_are_texts_of_what_is_known() -> None:
    assert build_metadata(provenance_of("a", "b"), 3) == {
        "QNN_SDK_VERSION": "2.51.0",
        "QAIRT_SDK_VERSION": "2.51.0",
        "QNN_MODEL_GRAPH_NAMES": "a,b",
        "QNN_CONTEXT_BIN_HEXAGON_VERSION": "75",
        "QNN_CONTEXT_BIN_SOC_MODEL": "57",
        "QNN_CONTEXT_BIN_BACKEND": "HTP",
        "QNN_CONTEXT_BIN_OPTIMIZATION_LEVEL": "3",
    }
    assert list(build_metadata(provenance_of("a", runtime="qnn_dlc"))) == [
        "QNN_SDK_VERSION",
        "QAIRT_SDK_VERSION",
        "QNN_MODEL_GRAPH_NAMES",
    ]
