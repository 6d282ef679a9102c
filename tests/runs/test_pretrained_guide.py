"""A classifier whose weights come with its plugin guides a method, as docs/writing-a-plugin.md says."""

import shutil
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import nn

from bench import Run
from bench.registry.plugins import Plugins
from bench.testing import check

SMOKE = "--budget", "smoke"
PLUGIN = Path(__file__).parent / "pretrained_plugin.py"


@pytest.fixture(scope="module")
def plugin(tmp_path_factory) -> Path:
    """A distribution with a classifier, without its weights."""
    folder = tmp_path_factory.mktemp("pretrained")
    (folder / "bench_mine").mkdir()
    shutil.copy(PLUGIN, folder / "bench_mine" / "__init__.py")
    info = folder / "bench_mine-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: bench-mine\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[bench]\nmine = bench_mine\n")
    return folder


@pytest.fixture(scope="module")
def target(plugin):
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(plugin)
        import bench_mine

        yield bench_mine.Pretrained


@pytest.fixture(scope="module")
def trained(plugin, target) -> Path:
    """The distribution with weights that are trained here."""
    data = Plugins().find("datasets", "digits").target("").load().train
    weights = plugin / "bench_mine" / "weights.safetensors"
    torch.manual_seed(0)
    layers = {"first": nn.Linear(32 * 32, 64), "second": nn.Linear(64, 64), "head": nn.Linear(64, 10)}
    safetensors.torch.save_file(nn.ModuleDict(layers).state_dict(), weights)
    model = target(target.Config(), data.spec)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    for images, labels in Run(model, images=30_000).batches(data, 64, 30_000):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model.logits(images), labels).backward()
        optimizer.step()
    safetensors.torch.save_file(model.state_dict(), weights)
    return plugin


@pytest.fixture
def run(bench, trained):
    return lambda *arguments: bench(*arguments, PYTHONPATH=str(trained))


def test_it_guides_a_method_and_is_named_with_the_digest_of_its_weights(run, trained):
    arguments = ("run", "--plugins", "dr-vae", "--guide", "mine", "--dataset", "digits", *SMOKE, "--json")
    answer = run(*arguments)
    assert answer.code == 0, answer.err
    assert answer.row("dr-vae")["guide"].startswith("mine@")
    (said,) = (line for line in answer.err.splitlines() if line.startswith("guide mine@"))
    assert float(said.partition("test accuracy ")[2].split()[0]) > 0.85
    done = run(*arguments, "--dry-run").out
    weights = trained / "bench_mine" / "weights.safetensors"
    state = safetensors.torch.load_file(weights)
    safetensors.torch.save_file(state | {"head.bias": state["head.bias"] + 0.01}, weights)
    left = run(*arguments, "--dry-run").out  # other weights are another guide
    assert '"cached": true' in done
    assert '"cached": true' not in left


def test_it_is_refused_for_classes_that_it_does_not_know(run):
    answer = run("run", "--plugins", "dr-vae", "--guide", "mine", "--dataset", "sprites", *SMOKE, "--dry-run")
    assert answer.code == 2
    assert "--guide: 'mine' is not for sprites: its weights know other classes than those of sprites" in answer.err


def test_the_conformance_tests_skip_what_its_weights_are_not_for(target):
    results = check(target)
    assert {result.status for result in results} <= {"ok", "skipped"}
    limits = next(result for result in results if result.promise == "limits_leave_images_to_train_on")
    assert limits.reason.startswith("its weights are for other images than those of these tests")
