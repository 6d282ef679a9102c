"""The store of fakes: segments of a class, mixtures, ages, and who is drawn."""

import pytest
import torch

from bench import BenchError
from bench_stic.mixing import draw_beta, draw_pairs, mixup, pair_weights
from bench_stic.store import Store, blank


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def store() -> Store:
    """Three classes, 10 chains each, and 10 mixtures."""
    store = Store(40, 0.25, 3, (1, 2, 2))
    everything = torch.arange(40)
    store.aim(everything, pair_weights(*draw_pairs(40, 3, seeded()), 3, seeded()))
    store.restart(everything, seeded())
    return store


def test_there_are_segments_of_equal_length_and_mixtures_behind_them(store: Store) -> None:
    assert (store.segment, store.hard, store.soft) == (10, 30, 10)
    assert torch.equal(store.weights[:30].argmax(1), torch.arange(3).repeat_interleave(10))
    assert (store.weights[:30].amax(1) == 1).all()
    mixed = store.weights[30:]
    assert ((mixed > 0).sum(1) == 2).all()
    torch.testing.assert_close(mixed.sum(1), torch.ones(10))


def test_an_entry_of_the_segment_of_each_label_is_drawn_and_none_twice(store: Store) -> None:
    labels = torch.arange(3).repeat(10)[torch.randperm(30, generator=seeded())]
    index = store.pick_hard(labels, seeded(1))
    assert torch.equal(index // 10, labels)
    assert len(index.unique()) == 30
    assert not torch.equal(index, store.pick_hard(labels, seeded(2)))
    assert len(store.pick_hard(torch.zeros(25, dtype=torch.int64), seeded()).unique()) == 10


def test_the_nearest_mixture_is_found_and_none_twice(store: Store) -> None:
    assert store.pick_soft(store.weights[[33, 37, 33]]).tolist()[:2] == [33, 37]
    everything = store.pick_soft(store.weights[33:34].expand(12, -1))
    assert everything[0] == 33
    assert sorted(everything.tolist()) == list(range(30, 40))  # ten mixtures for twelve rows
    away = (store.weights[everything] - store.weights[33]).abs().sum(1)
    assert away.tolist() == sorted(away.tolist())
    assert len(store.pick_soft(store.weights[:0])) == 0


def test_a_chain_is_written_back_older(store: Store) -> None:
    taken = store.take(torch.tensor([3, 35]))
    store.put(taken, torch.full((2, 1, 2, 2), 0.5), 6)
    assert (store.images[[3, 35]] == 0.5).all()
    assert store.ages[[3, 35]].tolist() == [6, 6]
    assert int(store.ages.sum()) == 12


def test_a_chain_that_begins_again_is_blank_and_a_mixture_can_be_of_other_classes(store: Store) -> None:
    store.ages.fill_(50)
    before = store.weights.clone()
    index, pairs = torch.tensor([3, 35]), torch.tensor([[0.5, 0.5, 0.0], [0.0, 0.1, 0.9]])
    store.aim(index, pairs)
    store.restart(index, seeded(4))
    assert store.ages[index].tolist() == [0, 0]
    assert store.images[index].std() > 0.3
    assert torch.equal(store.weights[3], before[3])
    assert torch.equal(store.weights[35], pairs[1])


def test_a_store_too_small_for_the_classes_is_refused() -> None:
    with pytest.raises(
        BenchError, match="store_size = 10 has no entry for each of 10 classes in addition to 2 for mixtures"
    ):
        Store(10, 0.25, 10, (1, 2, 2))


def test_a_blank_canvas_is_uniform_on_both_signs() -> None:
    canvas = blank((100_000,), seeded())
    assert canvas.min() >= -1
    assert canvas.max() <= 1
    assert float(canvas.mean()) == pytest.approx(0, abs=0.01)
    assert float(canvas.var()) == pytest.approx(1 / 3, abs=0.01)


@pytest.mark.parametrize("alpha", [0.3, 1.0, 4.0])
def test_beta_variables_have_the_moments_of_their_law(alpha: float) -> None:
    drawn = draw_beta(100_000, alpha, seeded())
    assert float(drawn.mean()) == pytest.approx(0.5, abs=0.01)
    assert float(drawn.var()) == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=0.03)


def test_mixup_mixes_images_and_labels_by_the_same_share() -> None:
    labels = torch.arange(4)
    images = labels.view(-1, 1, 1, 1).float().expand(4, 1, 2, 2)
    mixed, weights = mixup(images, labels, 4, 1.0, seeded(1))
    torch.testing.assert_close(mixed[:, 0, 0, 0], weights @ torch.arange(4.0))
    torch.testing.assert_close(weights.sum(1), torch.ones(4))


def test_the_classes_of_a_soft_fake_differ() -> None:
    first, second = draw_pairs(1000, 3, seeded())
    assert (first != second).all()
    assert len((first * 3 + second).unique()) == 6
