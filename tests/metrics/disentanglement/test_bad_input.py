"""Codes and factors that cannot be measured are errors in a sentence; the merely odd ones have defined values."""

import math
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from bench.errors import BenchError
from bench.metrics.disentanglement.dci import disentanglement_completeness_informativeness
from bench.metrics.disentanglement.mig import mutual_information_gap
from bench.metrics.disentanglement.modularity import modularity
from bench.metrics.disentanglement.sap import separated_attribute_predictability

Measure = Callable[..., object]
dci = partial(disentanglement_completeness_informativeness, train=200, test=100)
SCORES = [mutual_information_gap, separated_attribute_predictability, modularity]
MEASURES = [*SCORES, dci]
each_measure = pytest.mark.parametrize("measure", MEASURES, ids=["mig", "sap", "modularity", "dci"])
each_score = pytest.mark.parametrize("measure", SCORES, ids=["mig", "sap", "modularity"])


@pytest.fixture
def table(draw) -> tuple[np.ndarray, np.ndarray]:
    factors = draw(300)
    return factors + 0.1 * np.random.default_rng(1).normal(size=factors.shape), factors


def numbers(result: object) -> list[float]:
    if hasattr(result, "completeness"):
        return [result.disentanglement, result.completeness, result.informativeness]
    return [result.value, *result.parts.values()]


@each_measure
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 1e200])
def test_codes_that_are_not_finite_are_counted_in_the_error(measure: Measure, table, kinds, bad: float):
    codes, factors = table
    codes[3, 1] = codes[8, 0] = bad
    with pytest.raises(
        BenchError, match="codes: expected finite values, got 2 of 900 that are nan, inf or above 1e100"
    ):
        measure(codes, factors, kinds)


@each_measure
def test_factors_that_are_not_finite_are_an_error(measure: Measure, table, kinds):
    codes, factors = table
    factors[0, 0] = math.nan
    with pytest.raises(BenchError, match="factors: expected finite values, got 1 of 900"):
        measure(codes, factors, kinds)


@each_measure
def test_lengths_that_differ_are_an_error(measure: Measure, table, kinds):
    codes, factors = table
    with pytest.raises(BenchError, match="expected as many rows of codes as of factors, got 299 and 300"):
        measure(codes[1:], factors, kinds)
    with pytest.raises(BenchError, match="expected a kind for each of 3 factors, got 2"):
        measure(codes, factors, kinds[:2])


@each_measure
@pytest.mark.parametrize("shape", [(300,), (300, 0), (300, 2, 2)])
def test_codes_that_are_no_matrix_are_an_error(measure: Measure, table, kinds, shape: tuple[int, ...]):
    with pytest.raises(BenchError, match="codes: expected a matrix with at least one column, got shape"):
        measure(np.zeros(shape), table[1], kinds)


@each_measure
def test_an_unknown_kind_is_an_error_with_the_nearest_one(measure: Measure, table):
    with pytest.raises(BenchError, match=r"got 'circle': did you mean 'circular'\?"):
        measure(*table, ("categorical", "linear", "circle"))


@each_measure
def test_too_few_rows_are_an_error(measure: Measure, table, kinds):
    codes, factors = table
    with pytest.raises(BenchError, match="expected at least 40 rows, got 39"):
        measure(codes[:39], factors[:39], kinds)


@each_measure
def test_a_factor_of_one_value_is_left_out_and_named(measure: Measure, table, kinds):
    codes, factors = table
    padded = np.insert(factors, 1, 0.7, axis=1)
    expected, found = measure(codes, factors, kinds), measure(codes, padded, ("categorical", "circular", *kinds[1:]))
    assert found.left_out == (1,)
    assert expected.left_out == ()
    assert numbers(found) == pytest.approx(numbers(expected))
    parts = found.informativeness_of if measure is dci else found.parts
    assert list(parts) == ([0, 1, 2] if measure is modularity else [0, 2, 3])  # parts of modularity are codes


@each_measure
def test_factors_of_one_value_only_are_an_error_that_names_them(measure: Measure, table, kinds):
    codes, factors = table
    with pytest.raises(BenchError, match=r"that vary?.*, got 0 \(columns of one value: 0, 1, 2\)"):
        measure(codes, np.full_like(factors, 0.5), kinds)


@pytest.mark.parametrize("measure", [modularity, dci], ids=["modularity", "dci"])
def test_one_factor_is_an_error_where_factors_are_told_apart(measure: Measure, table):
    codes, factors = table
    with pytest.raises(BenchError, match="expected at least 2 factors that vary, got 1"):
        measure(codes, factors[:, :1], ("categorical",))


@each_measure
def test_codes_without_variance_score_0(measure: Measure, table, kinds):
    codes, factors = table
    assert numbers(measure(np.full_like(codes, 0.3), factors, kinds)) == pytest.approx(
        [0] * len(numbers(measure(*table, kinds)))
    )


@each_score
def test_a_code_without_variance_changes_no_other_part(measure: Measure, table, kinds):
    codes, factors = table
    found = measure(np.insert(codes, 3, 5.0, axis=1), factors, kinds)
    parts = measure(codes, factors, kinds).parts
    assert {part: found.parts[part] for part in parts} == pytest.approx(dict(parts))
    assert measure is not modularity or found.parts[3] == 0


@each_measure
def test_one_code_has_defined_scores(measure: Measure, table, kinds):
    codes, factors = table
    found = numbers(measure(codes[:, :1], factors, kinds))
    assert all(0 <= number <= 1 for number in found)
    assert max(found) > 0.2


@each_measure
def test_500_codes_of_noise_score_almost_nothing(measure: Measure, draw, kinds):
    factors = draw(400)
    noise = np.random.default_rng(2).normal(size=(400, 500))
    found = measure(noise, factors, kinds)
    assert np.isfinite(numbers(found)).all()
    if measure is not modularity:  # whose bias is documented
        assert max(numbers(found)[:2]) < 0.1


@each_measure
@pytest.mark.parametrize("change", [lambda x: -3 * x, lambda x: x[:, ::-1], lambda x: 1e-30 * x, lambda x: 1e30 * x])
def test_sign_unit_and_order_of_codes_do_not_matter(measure: Measure, table, kinds, change: Callable):
    codes, factors = table
    tolerance = 0.12 if measure is dci else 1e-9  # permutations are drawn, and trees break ties, in the order of codes
    expected, found = measure(codes, factors, kinds), measure(change(codes), factors, kinds)
    if measure is modularity:
        assert sorted(found.parts.values()) == pytest.approx(sorted(expected.parts.values()), abs=1e-9)
    else:
        assert numbers(found) == pytest.approx(numbers(expected), abs=tolerance)


@each_score
def test_the_order_of_rows_does_not_matter(measure: Measure, table, kinds):
    codes, factors = table
    order = np.random.default_rng(3).permutation(len(codes))
    assert numbers(measure(codes[order], factors[order], kinds)) == pytest.approx(
        numbers(measure(codes, factors, kinds))
    )


@each_measure
def test_the_input_is_not_changed_and_float32_is_welcome(measure: Measure, table, kinds):
    codes, factors = (array.astype(np.float32) for array in table)
    before = codes.copy(), factors.copy()
    measure(codes, factors, kinds)
    assert np.array_equal(codes, before[0])
    assert np.array_equal(factors, before[1])
