"""What the host lends: every batch a function of the seed, every image counted, every interruption made good."""

import pytest
import torch
from torch import nn

from bench.api import Data, Spec
from bench.errors import BenchError, Diverged
from bench.training_run import CHECK_EVERY, Run, derive_seed, generator
from bench.util.denormals import are_flushed

N, SIZE = 10, 4  # images, and a batch of them
SPEC = Spec("numbered", 1, 2, ("even", "odd"))


def numbered(n: int = N) -> Data:
    """Image i is i everywhere."""
    images = torch.arange(n, dtype=torch.uint8).view(n, 1, 1, 1).expand(n, 1, 2, 2).contiguous()
    return Data(SPEC, images, torch.arange(n) % 2)


def run_on(images: int, model: nn.Module | None = None, **options) -> Run:
    return Run(model or nn.Linear(1, 1), images=images, **options)


def numbers(run: Run, images: int, phase: str = "train", n: int = N) -> list[list[int]]:
    """Which images each batch held."""
    return [
        (255 * batch[:, 0, 0, 0]).round().int().tolist()
        for batch, _ in run.batches(numbered(n), SIZE, images, phase=phase)
    ]


# Batches


def test_batches_are_images_and_their_labels():
    for images, labels in run_on(40).batches(numbered(), SIZE, 40):
        assert images.shape == (SIZE, 1, 2, 2)
        assert images.dtype == torch.float32
        assert images.is_contiguous(memory_format=torch.channels_last)
        assert labels.dtype == torch.int64
        assert torch.equal((images[:, 0, 0, 0] * 255).round().long() % 2, labels)


def test_writing_into_a_batch_leaves_the_data_alone():
    data = numbered()
    for images, labels in run_on(40).batches(data, SIZE, 40):
        images.fill_(1)
        labels.fill_(0)
    assert torch.equal(data.images, numbered().images)
    assert torch.equal(data.labels, numbered().labels)


def test_each_pass_sees_each_image_once_in_another_order():
    seen = [number for batch in numbers(run_on(20), 20) for number in batch]
    first, second = seen[:N], seen[N:]
    assert sorted(first) == sorted(second) == list(range(N))
    assert first != second
    assert first != sorted(first)


def test_the_order_is_a_function_of_seed_and_phase():
    def order(seed: int, phase: str) -> list[list[int]]:
        return numbers(run_on(40, seed=seed), 40, phase)

    assert order(1, "a") == order(1, "a")
    assert order(1, "a") != order(2, "a")
    assert order(1, "a") != order(1, "b")


def test_the_order_does_not_depend_on_the_batch_size():
    def stream(size: int) -> list[int]:
        batches = run_on(40).batches(numbered(), size, 40)
        return [int(number) for images, _ in batches for number in (255 * images[:, 0, 0, 0]).round()]

    assert stream(4) == stream(5) == stream(40)


def test_batches_do_not_touch_the_global_random_state():
    run = run_on(40)
    before = torch.get_rng_state()
    numbers(run, 40)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.skipif(not torch.set_flush_denormal(False), reason="this CPU has no such mode")
def test_denormal_numbers_are_zero_from_the_first_batch_to_the_last():
    run = run_on(80)
    assert all(are_flushed() for _ in run.batches(numbered(), SIZE, 40, phase="whole"))
    assert not are_flushed()
    for _ in run.batches(numbered(), SIZE, 40, phase="left early"):
        break
    assert not are_flushed()


def test_a_batch_may_be_larger_than_the_data():
    assert [len(batch) for batch in numbers(run_on(8), 8, n=3)] == [4, 4]


def test_an_empty_data_set_is_refused():
    with pytest.raises(BenchError, match="training set is empty"):
        numbers(run_on(40), 40, n=0)


def test_seeds_follow_from_their_parts():
    assert derive_seed(1, "fit") == derive_seed(1, "fit")
    assert len({derive_seed(1, "fit"), derive_seed(2, "fit"), derive_seed("1", "fit"), derive_seed(1, "sample")}) == 4
    assert 0 <= derive_seed("anything") < 2**63
    first, second = (torch.rand(3, generator=generator("cpu", 7)) for _ in range(2))
    assert torch.equal(first, second)


# The budget


def test_training_images_are_counted():
    run = run_on(100)
    assert len(numbers(run, 42, "first")) == 10  # whole batches within what was asked for
    assert run.left == 60
    assert len(numbers(run, run.left, "second")) == 15
    assert run.left == 0
    assert run.resumed_images == 0


def test_steps_tells_how_many_batches_there_will_be():
    for images in (1, 4, 7, 8, 41):
        assert len(numbers(run_on(100), images)) == Run.steps(images, SIZE)


def test_share_is_a_part_of_the_whole_budget():
    run = run_on(1001)
    assert run.share(0.5) + run.share(0.5) in (1000, 1001, 1002)
    assert run.share(1.0) == 1001


def test_more_than_is_left_is_refused():
    run = run_on(40)
    numbers(run, 30, "first")
    with pytest.raises(BenchError, match="phase 'second' needs 30 training images, but 12 of 40 are left"):
        numbers(run, 30, "second")


def test_one_batch_is_always_possible_and_is_counted():
    run = run_on(2)
    assert len(numbers(run, 1)) == 1
    assert run.images - run.left == SIZE


def test_a_phase_cannot_be_trained_twice():
    run = run_on(40)
    numbers(run, 8, "same")
    with pytest.raises(BenchError, match="duplicate phase 'same'"):
        numbers(run, 8, "same")


def test_without_a_guide_asking_for_it_is_told():
    with pytest.raises(BenchError, match="needs a guide, but this run has none"):
        run_on(1).guide  # noqa: B018


# Progress and divergence


class Ear:
    """Hears what is reported."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, int, int, dict[str, float]]] = []

    def __call__(self, phase: str, images: int, of: int, scalars: dict[str, float]) -> None:
        self.heard.append((phase, images, of, scalars))


def test_progress_is_reported_every_so_many_batches_and_at_the_end():
    ear = Ear()
    run = run_on(400, progress=ear)
    for step, _ in enumerate(run.batches(numbered(), SIZE, SIZE * (CHECK_EVERY + 3), phase="fit")):
        run.log(step=torch.tensor(float(step), requires_grad=True))
    of = SIZE * (CHECK_EVERY + 3)
    assert ear.heard == [
        ("fit", SIZE * CHECK_EVERY, of, {"step": CHECK_EVERY - 1.0}),
        ("fit", of, of, {"step": CHECK_EVERY + 2.0}),
    ]


def test_progress_of_a_phase_shows_its_own_values_only():
    ear = Ear()
    run = run_on(80, progress=ear)
    for phase in ("first", "second"):
        for _ in run.batches(numbered(), SIZE, 40, phase=phase):
            run.log(**{phase: 1.0})
    assert [(phase, list(scalars)) for phase, _, _, scalars in ear.heard] == [
        ("first", ["first"]),
        ("second", ["second"]),
    ]


@pytest.mark.parametrize("value", [float("nan"), torch.tensor(float("inf")), -float("inf")])
def test_a_loss_that_is_not_finite_ends_the_training(value):
    run = run_on(400)

    def train() -> None:
        for step, _ in enumerate(run.batches(numbered(), SIZE, 400, phase="fit")):
            run.log(loss=value if step > 3 else 1.0, accuracy=0.5)

    with pytest.raises(Diverged, match="diverged in phase 'fit' after 80 images: loss = "):
        train()


# Precision


def test_bfloat16_is_used_where_the_host_asks_for_it():
    for precision, dtype in (("bfloat16", torch.bfloat16), ("float32", torch.float32)):
        with run_on(1, precision=precision).autocast():
            assert nn.Linear(2, 2)(torch.ones(1, 2)).dtype == dtype


# Checkpoints


class Net(nn.Module):
    """One weight, trained in two phases with momentum and noise; code between the phases changes the weight."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(3))

    def fit(self, run: Run, die_at: int | None = None) -> None:
        step = 0
        for phase in ("first", "second"):
            optimizer = torch.optim.Adam(self.parameters(), 0.1)
            schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
            for images, _ in run.batches(numbered(), SIZE, run.share(0.5), phase=phase, keep=[optimizer, schedule]):
                if step == die_at:
                    raise Died
                step += 1
                noise = torch.rand(3, generator=run.rng) + torch.rand(3)  # its own and the global generator
                loss = (self.weight - images.mean() - noise).square().sum()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
                run.log(loss=loss)
            with torch.no_grad():
                self.weight.mul_(0.5)


class Died(Exception):
    """As if the process had been killed."""


def fit(folder=None, die_at: int | None = None, checkpoint_every: float = -1.0) -> tuple[torch.Tensor, Run]:
    torch.manual_seed(0)
    net = Net()
    run = Run(net, images=48, seed=3, folder=folder, checkpoint_every=checkpoint_every)
    net.fit(run, die_at)
    return net.weight.detach(), run


@pytest.fixture(scope="module")
def whole() -> torch.Tensor:
    """The weight after an uninterrupted training of two times six batches."""
    return fit()[0]


@pytest.mark.parametrize("die_at", range(12))
@pytest.mark.parametrize("checkpoint_every", [-1.0, 1e9], ids=["often", "only at the end of a phase"])
def test_an_interrupted_training_ends_with_the_same_weights_to_the_bit(tmp_path, whole, die_at, checkpoint_every):
    with pytest.raises(Died):
        fit(tmp_path, die_at, checkpoint_every)
    weight, run = fit(tmp_path)
    assert torch.equal(weight, whole)
    done = die_at if checkpoint_every < 0 else 6 * (die_at // 6)
    assert run.resumed_images == SIZE * done
    assert run.images - run.left == 48


def test_a_training_interrupted_again_and_again_comes_to_the_same_end(tmp_path, whole):
    for _ in range(11):
        with pytest.raises(Died):
            fit(tmp_path, die_at=1)  # one batch further each time
    weight, run = fit(tmp_path)
    assert torch.equal(weight, whole)
    assert run.resumed_images == 44


def test_a_finished_training_is_restored_without_a_batch(tmp_path, whole):
    fit(tmp_path)
    weight, run = fit(tmp_path, die_at=0)
    assert torch.equal(weight, whole)
    assert run.resumed_images == 48


def test_progress_goes_on_where_it_was(tmp_path):
    with pytest.raises(Died):
        fit(tmp_path, die_at=5)
    ear = Ear()
    Net().fit(Run(Net(), images=48, seed=3, folder=tmp_path, progress=ear))
    assert [(phase, images, of) for phase, images, of, _ in ear.heard] == [("first", 24, 24), ("second", 24, 24)]


@pytest.mark.parametrize("spoil", [lambda b: b[:-20], lambda b: b[:100] + b"x" + b[101:], lambda b: b""])
@pytest.mark.parametrize("phase", ["0-first", "1-second"])
def test_a_corrupt_checkpoint_is_set_aside_and_redone(tmp_path, whole, spoil, phase):
    with pytest.raises(Died):
        fit(tmp_path, die_at=9)
    path = tmp_path / f"{phase}.ckpt"
    path.write_bytes(spoil(path.read_bytes()))
    weight, run = fit(tmp_path)
    assert torch.equal(weight, whole)
    assert run.resumed_images < 36  # of the 9 * 4 that had been seen


def test_without_a_folder_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fit()
    assert list(tmp_path.iterdir()) == []


def test_only_whole_checkpoints_are_ever_in_the_folder(tmp_path):
    with pytest.raises(Died):
        fit(tmp_path, die_at=9)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0-first.ckpt", "1-second.ckpt"]


def test_what_is_not_kept_is_not_restored(tmp_path, whole):
    """The test above can fail: an optimizer outside of `keep` starts anew."""

    class Forgetful(Run):
        def batches(self, *args, keep=(), **kwargs):
            yield from super().batches(*args, **kwargs)

    for die_at in (4, None):
        torch.manual_seed(0)
        net = Net()
        run = Forgetful(net, images=48, seed=3, folder=tmp_path, checkpoint_every=-1)
        try:
            net.fit(run, die_at)
        except Died:
            continue
    assert not torch.equal(net.weight.detach(), whole)


def test_seconds_of_former_processes_count(tmp_path):
    with pytest.raises(Died):
        fit(tmp_path, die_at=5)
    _, run = fit(tmp_path)
    assert run.seconds > run._former_seconds > 0
