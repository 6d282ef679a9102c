"""The Gram term: closed forms, references that are fixed, and the rule for its weight."""

import pytest
import torch

from bench_stic.gram import ClassMeans, Exemplars, MapDistance, calibrate, gram, grams, stage_distances


def test_the_gram_matrix_is_that_of_channels_over_channels_times_places() -> None:
    maps = torch.tensor([[[[1.0, 2.0]], [[3.0, 4.0]]]])  # two channels, two places
    expected = torch.tensor([[[5.0, 11.0], [11.0, 25.0]]]) / 4
    torch.testing.assert_close(gram(maps), expected)
    assert stage_distances([expected], [expected]).tolist() == [[0]]
    assert stage_distances([expected + 1], [expected]).tolist() == [[4]]


def test_the_gram_matrix_does_not_see_where_things_are() -> None:
    maps = torch.randn(3, 4, 5, 5, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(gram(maps), gram(maps.flip(2).roll(2, 3)))


def test_only_the_first_two_stages_take_part() -> None:
    maps = [torch.randn(2, c, 4, 4) for c in (3, 4, 5)]
    assert [it.shape[1] for it in grams(maps)] == [3, 4]


def test_the_distance_is_one_where_each_stage_is_as_far_as_real_images_are() -> None:
    """And the size of the features cancels."""
    rng = torch.Generator().manual_seed(0)
    maps = [torch.randn(400, 2, 3, 3, generator=rng), 10 * torch.randn(400, 3, 2, 2, generator=rng)]
    means, labels, weights = ClassMeans([2, 3], 1, decay=0.0), torch.zeros(400, dtype=torch.int64), torch.ones(400, 1)
    assert float(means.reference(weights).distance(maps).max()) < 1e-5  # nothing was seen yet
    for _ in range(2):
        means.update(grams(maps), labels)
    assert float(means.reference(weights).distance(maps).mean()) == pytest.approx(1)
    assert means.spread[0, 1] > 100 * means.spread[0, 0]


def test_the_gradient_of_the_distance_is_that_of_its_formula() -> None:
    rng = torch.Generator().manual_seed(0)
    maps = torch.randn(3, 4, 5, 5, generator=rng, dtype=torch.float64, requires_grad=True)
    reference = gram(torch.randn(3, 4, 5, 5, generator=rng, dtype=torch.float64))
    assert torch.autograd.gradcheck(MapDistance.apply, (maps, reference))
    plain = stage_distances([gram(maps)], [reference])[:, 0]
    torch.testing.assert_close(MapDistance.apply(maps, reference), plain)


def test_a_running_mean_is_of_its_own_class_and_begins_with_the_first_images() -> None:
    means = ClassMeans([2], 3, decay=0.9)
    first, second = torch.full((2, 2, 2), 1.0), torch.full((1, 2, 2), 5.0)
    means.update([first + torch.tensor([0.0, 2.0]).view(-1, 1, 1)], torch.tensor([1, 1]))
    assert [float(it[0, 0]) for it in means.values()[0]] == [0, 2, 0]
    means.update([second], torch.tensor([1]))
    torch.testing.assert_close(means.values()[0][1], torch.full((2, 2), 0.9 * 2 + 0.1 * 5))
    assert means.seen.tolist() == [False, True, False]


def test_the_reference_of_a_soft_class_is_mixed_by_its_weights() -> None:
    means = ClassMeans([1], 3, decay=0.0)
    means.update([torch.tensor([1.0, 2.0, 4.0]).view(3, 1, 1)], torch.arange(3))
    (reference,) = means.reference(torch.tensor([[0.25, 0.0, 0.75], [0.0, 1.0, 0.0]])).grams
    assert reference.flatten().tolist() == [0.25 * 1 + 0.75 * 4, 2]


def test_an_exemplar_is_one_real_image_of_the_class_for_the_whole_life_of_a_chain() -> None:
    shelf = Exemplars((1, 2, 2), 2, count=3)
    images = torch.arange(5).view(-1, 1, 1, 1).expand(5, 1, 2, 2) / 10
    shelf.update(images, torch.tensor([0, 1, 0, 0, 0]))
    assert shelf.filled.tolist() == [3, 1]
    before = shelf.images.clone()
    shelf.update(images + 0.5, torch.zeros(5, dtype=torch.int64))
    assert torch.equal(before, shelf.images)

    def brightness(chosen: torch.Tensor) -> list[torch.Tensor]:
        return [chosen.mean((1, 2, 3)).view(-1, 1, 1)]

    weights = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.5, 0.5]])
    (reference,) = shelf.reference(weights, torch.tensor([1, 4, 2]), brightness)
    torch.testing.assert_close(reference.flatten(), torch.tensor([0.2, 0.2, (0.3 + 0.1) / 2]), atol=0.01, rtol=0)


@pytest.mark.parametrize(("real", "gamma"), [(9.0, 0.0), (5.5, 0.25), (7.0, 0.1), (0.1, 1.0)])
def test_the_weight_is_where_samples_are_as_far_from_the_mean_as_real_images(real: float, gamma: float) -> None:
    """Distances of 9, 8, 7, 5, 3 at weights 0, 0.03, 0.1, 0.3, 1."""
    measured = {0.0: 9.0, 0.03: 8.0, 0.1: 7.0, 0.3: 5.0, 1.0: 3.0}
    assert calibrate(measured.__getitem__, real) == pytest.approx(gamma)
