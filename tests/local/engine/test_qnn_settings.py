import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qai_hub.local.engine.failures import FailureType, JobFailure
from qai_hub.local.engine.protocol import Soc
from qai_hub.local.engine.qnn.provider import (
    GRAPHS,
    OPTIMIZATIONS,
    PRECISION,
    VTCM,
    parse_qnn_settings,
    parse_run_settings,
)

FLOATS = Soc(name="new", soc_model=57, hexagon=75, fp16=True, weight_sharing=True)
INTEGERS = Soc(name="old", soc_model=30, hexagon=68, fp16=False, weight_sharing=False)
RIGHT = {
    GRAPHS: st.from_regex(r"[a-z_]{1,8}(,[a-z_]{1,8}){0,3}", fullmatch=True),
    OPTIMIZATIONS: st.from_regex(r"(O=)?[0-3]", fullmatch=True),
    PRECISION: st.sampled_from(["FLOAT16", "float16"]),
    VTCM: st.integers(1, 64).map(str),
}
OTHERS = st.from_regex(r"(context|default_graph)_x[a-z]{1,8}", fullmatch=True)


@given(st.fixed_dictionaries({}, optional=RIGHT), st.dictionaries(OTHERS, st.text(), max_size=3))
def test_right_settings_become_options_of_the_provider(
    given: dict[str, str], others: dict[str, str]
) -> None:
    settings = parse_qnn_settings(given | others)

    assert ",".join(settings.graphs) == given.get(GRAPHS, "")
    options = settings.provider_options(FLOATS)
    assert options.pop("enable_htp_fp16_precision") == "1"
    assert options == settings.provider_options(INTEGERS)
    expected = {
        "htp_graph_finalization_optimization_mode": given.get(OPTIMIZATIONS, "").removeprefix("O="),
        "vtcm_mb": given.get(VTCM, ""),
    }
    assert options == {name: value for name, value in expected.items() if value}
    assert len(settings.notices) == bool(others)
    for name in others:
        assert repr(name) in settings.notices[0]["message"]


@given(st.dictionaries(st.text(), st.text(), max_size=4))
def test_any_other_settings_are_told_of_or_refused(given: dict[str, str]) -> None:
    try:
        settings = parse_qnn_settings(given)
    except JobFailure as failure:
        assert failure.failure_type is FailureType.INVALID_ARGUMENT
        assert failure.reason.startswith("In --qnn_options, ")
    else:
        assert bool(settings.notices) == bool(given.keys() - RIGHT)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        (OPTIMIZATIONS, "O=4", "O=0, O=1, O=2 or O=3, not 'O=4'"),
        (OPTIMIZATIONS, "", "not ''"),
        (PRECISION, "FLOAT32", "FLOAT16, the HTP's only one, not 'FLOAT32'"),
        (VTCM, "0", "must be 1 to 64 (MB), not '0'"),
        (VTCM, "65", "must be 1 to 64 (MB), not '65'"),
        (VTCM, "²", "not '²'"),
        (VTCM, "9" * 5000, "not '999"),
        (
            "graph_names",
            "a",
            f"'graph_names' is unknown. This job accepts {GRAPHS}, {OPTIMIZATIONS}",
        ),
    ],
)
def test_wrong_settings_are_refused(name: str, value: str, reason: str) -> None:
    with pytest.raises(JobFailure, match=re.escape(reason)) as caught:
        parse_qnn_settings({name: value})
    assert len(caught.value.reason) < 300


def test_runs_read_the_names_of_graphs_alone() -> None:
    graphs, (notice,) = parse_run_settings({GRAPHS: " a, b ,", VTCM: "none"})
    assert graphs == ("a", "b")
    assert notice["message"] == f"In --qnn_options, '{VTCM}' has no effect on this hub."
    assert parse_run_settings({}) == ((), ())
    with pytest.raises(JobFailure, match=f"'graphs' is unknown. Did you mean '{GRAPHS}'?"):
        parse_run_settings({"graphs": "a"})
