"""Which layers of several profiles are the same."""

from hypothesis import given
from hypothesis import strategies as st

from qai_hub.local.pages.layer_match import match_layers
from qai_hub.local.pages.layers import Layer


def layers(*names: tuple[str, str]) -> list[Layer]:
    """Return layers by name and operator."""
    return [
        Layer(number, name, operator, "CPU", 1.0, None)
        for number, (name, operator) in enumerate(names)
    ]


NAMED = st.tuples(st.sampled_from(("a", "b", "c", "")), st.sampled_from(("Conv", "Relu")))
PROFILES = st.lists(st.lists(NAMED, max_size=6).map(lambda each: layers(*each)), max_size=4)


@given(PROFILES)
def test_each_layer_is_in_one_row_and_in_its_own_column(profiles: list[list[Layer]]) -> None:
    rows = match_layers(profiles)
    assert all(len(row) == len(profiles) and any(row) for row in rows)
    for index, profile in enumerate(profiles):
        column = [row[index] for row in rows if row[index] is not None]
        assert sorted(column, key=lambda layer: layer.number if layer else 0) == profile
        if index == 0:
            assert column == profile


@given(st.lists(NAMED, max_size=6))
def test_equal_profiles_are_matched_layer_by_layer(names: list[tuple[str, str]]) -> None:
    one, other = layers(*names), layers(*names)
    assert match_layers([one, other]) == [list(pair) for pair in zip(one, other, strict=True)]


def test_names_come_before_operators_and_order() -> None:
    one = layers(("conv_1", "Conv"), ("relu", "Relu"), ("conv_2", "Conv"))
    other = layers(("conv_2", "Conv"), ("fused", "Conv"), ("pool", "Pool"))
    assert match_layers([one, other]) == [
        [one[0], other[1]],
        [one[1], None],
        [one[2], other[0]],
        [None, other[2]],
    ]
