"""How outputs of two models are compared."""

from typing import Any

import numpy as np
import pytest

from qai_hub.local.engine.accuracy import (
    OutputAccuracy,
    OutputSamples,
    compare_output,
    describe_far_outputs,
)
from qai_hub.local.engine.slices import compute_psnr

BOUND = 30.0
RANDOM = np.random.default_rng(5)


def compared(*pairs: tuple[Any, Any], bound: float = BOUND) -> OutputAccuracy:
    samples = OutputSamples()
    for expected, actual in pairs:
        samples.add(np.asarray(expected), np.asarray(actual))
    return compare_output("y", samples, bound)


def noisy(values: Any, error: float) -> Any:
    return (values + RANDOM.uniform(-error, error, values.shape)).astype(values.dtype)


def test_the_psnr_relates_the_peak_to_the_mean_error() -> None:
    found = compared(([0.0, 10.0], [1.0, 10.0]), ([4.0, -2.0], [4.0, -2.0]))

    assert found.psnr == pytest.approx(10 * np.log10(10**2 / (1 / 4)))
    assert (found.peak, found.largest_error, found.is_far) == (10.0, 1.0, True)


def test_huge_values_have_a_psnr_as_well() -> None:
    assert compute_psnr(squared_error=1e150, count=4, peak=1e200) == pytest.approx(
        2506.02, abs=0.01
    )


@pytest.mark.parametrize(
    ("expected", "actual", "is_far"),
    [
        ([1.0, 2.0], [1.0, 2.0], False),
        ([0.0, 0.0], [0.0, 0.0], False),
        ([0.0, 0.0], [0.0, 1e-4], False),
        ([0.0, 0.0], [0.0, 0.5], True),
        ([1.0, np.nan], [1.0, np.nan], False),
        ([1.0, np.inf], [1.0, 65504.0], False),
    ],
)
def test_outputs_without_a_psnr(expected: Any, actual: Any, is_far: bool) -> None:
    found = compared((expected, actual))

    assert found.psnr is None
    assert found.is_far is is_far


def test_a_low_psnr_is_told_with_the_name_and_the_share_that_is_stuck() -> None:
    values = RANDOM.uniform(0, 255, (2, 100)).astype(np.float32)
    found = compared(*((row, np.minimum(row, 1)) for row in values))

    assert found.dead_share > 0.95
    assert describe_far_outputs([found]) == (
        f"The output 'y' has a PSNR of only {found.psnr:.1f} dB, and {found.dead_share:.0%} of its "
        "values are constant or clipped."
    )


@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_in_the_target_alone(broken: float) -> None:
    values = np.linspace(1, 2, 1000)
    actual = values.copy()
    actual[:5] = broken
    found = compared((values, actual))

    assert found.dead_share == 0.005
    assert found.largest_error == 0
    assert "NaN or infinity in 0.50%" in found.problem


def test_values_that_vary_in_the_source_alone_are_dead() -> None:
    first, second = RANDOM.uniform(-1, 1, (2, 10))
    frozen = second.copy()
    frozen[:3] = first[:3]

    assert compared((first, first), (second, frozen)).dead_share == 0.3
    assert compared((first, first), (second, second)).dead_share == 0


def test_a_target_that_is_constant_throughout_is_dead() -> None:
    assert compared((np.linspace(0, 1, 50), np.full(50, 0.5))).dead_share == 1


def test_small_differences_do_not_make_an_element_dead() -> None:
    rectified = np.array([0.0, 1.0]), np.array([1e-6, 2.0])

    assert compared((rectified[0], rectified[0]), (rectified[1], [0.0, 2.0])).dead_share == 0


def test_clipped_values_are_dead() -> None:
    values = np.linspace(-2, 2, 401)
    found = compared((values, np.clip(values, -1, 1)))

    assert found.dead_share == pytest.approx(0.48, abs=0.03)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_slices_of_an_output_that_mixes_ranges(axis: int) -> None:
    boxes, scores = RANDOM.uniform(0, 640, (4, 40)), RANDOM.uniform(0, 0.9, (80, 40))
    step = 640 / 255
    both = np.moveaxis(np.concatenate([boxes, scores])[:, :, np.newaxis], 0, axis)
    found = compared((both, np.round(both / step) * step))

    assert found.psnr is not None
    assert found.psnr > 50
    assert [(each.axis, each.begin, each.end) for each in found.slices] == [
        (axis, 0, 4),
        (axis, 4, 84),
    ]
    low = found.slices[1]
    assert low.psnr is not None
    assert low.psnr < 10
    assert f"at the indices 4 to 83 of its dimension {axis}" in found.problem
    assert compared((both, noisy(both, 1e-4))).problem == ""


def test_the_values_of_a_classifier_are_no_slices() -> None:
    scores = np.exp(RANDOM.normal(0, 4, (1, 1000)))

    assert compared((scores / scores.sum(), scores / scores.sum())).slices == ()


def test_probabilities_behind_a_mask_are_no_slice() -> None:
    scores = RANDOM.uniform(0, 1, (16, 8))
    scores[:, 5:] = 1e-40

    found = compared((scores, np.where(scores < 1e-30, 0, scores)))
    assert (found.slices, found.problem) == ((), "")


def test_similar_ranges_are_no_slices() -> None:
    values = RANDOM.standard_normal((8, 64)) * np.linspace(1, 4, 8)[:, np.newaxis]

    assert compared((values, values)).slices == ()


@pytest.mark.parametrize(("wrong", "is_far"), [(5, False), (20, True)])
def test_indices_are_compared_by_how_many_differ(wrong: int, is_far: bool) -> None:
    winners = RANDOM.integers(0, 1000, 100)
    actual = winners.copy()
    actual[:wrong] = 1000 - winners[:wrong] + 1

    assert compared((winners, actual)).is_far is is_far


def test_images_are_compared_as_numbers() -> None:
    image = RANDOM.integers(0, 255, 1000, np.uint8)

    assert not compared((image, image + 1)).is_far


def test_outputs_of_other_shapes() -> None:
    found = compared((np.zeros((2, 3)), np.zeros((3, 2))))

    assert found.problem == "has the shape (3, 2) instead of (2, 3)"


def test_shapes_that_depend_on_the_sample() -> None:
    found = compared((np.ones(3), np.ones(3)), (np.ones(5), np.full(5, 1.5)))

    assert found.psnr == pytest.approx(20 * np.log10(2) + 10 * np.log10(8 / 5))


def test_empty_outputs() -> None:
    assert not compared((np.zeros((0, 4)), np.zeros((0, 4)))).is_far
