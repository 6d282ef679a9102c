"""The Python in the documents is run, so that it cannot grow old."""

import re
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from bench.cli import main
from bench.testing import promises

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ELSEWHERE = {  # pages whose code other tests run
    "README.md": "tests/test_docs.py",
    "docs/python.md": "tests/interactive/test_calls.py",
    "docs/writing-a-plugin.md": "tests/thirdparty/test_guide.py",
}
HERE = {"docs/tutorial.md", "docs/howto/data-set.md", "docs/howto/metric.md", "docs/howto/pretrained-guide.md",
        "docs/evaluating-images.md", "docs/datasets.md", "docs/metrics.md"}  # fmt: skip


def blocks(page: str) -> list[str]:
    return BLOCK.findall((ROOT / page).read_text(encoding="utf-8"))


def run(source: str, name: str = "__main__") -> dict[str, Any]:
    """What a block defines."""
    module = ModuleType(name)
    exec(compile(source, name, "exec"), vars(module))
    return vars(module)


def kept(target: type, *names: str) -> None:
    """Check these promises of a class."""
    chosen = [promise for promise in promises(target) if promise.promise.name in names]
    assert len(chosen) == len(names)
    for promise in chosen:
        promise()


def test_every_page_with_code_is_run_by_a_test():
    pages = [*ROOT.glob("docs/**/*.md"), ROOT / "README.md"]
    assert {str(path.relative_to(ROOT)) for path in pages if blocks(str(path.relative_to(ROOT)))} == HERE | set(
        ELSEWHERE
    )
    for page, test in ELSEWHERE.items():
        assert Path(page).name in (ROOT / test).read_text(encoding="utf-8") or "PAGE" in (ROOT / test).read_text()


def test_the_change_of_the_tutorial_makes_the_new_method_mix_classes(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["new", "haze"]) == 0
    printed = [line.strip() for line in capsys.readouterr().out.splitlines() if line and "install" not in line]
    page = (ROOT / "docs/tutorial.md").read_text(encoding="utf-8")
    assert [line for line in printed if line not in page] == []
    source = (tmp_path / "bench-haze/src/bench_haze/__init__.py").read_text()
    (method,) = blocks("docs/tutorial.md")
    place = "    def _with_class"
    assert source.count(place) == 1
    changed = run(source.replace(place, f"{method}\n{place}"), "bench_haze")
    kept(changed["Haze"], "mixtures_are_honoured", "methods_take_the_documented_arguments")


def test_the_data_set_of_the_guide_keeps_its_promises(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (source,) = blocks("docs/howto/data-set.md")
    scans = run(source, "bench_scans")["Scans"]
    assert scans().state().state == "missing"
    rng = np.random.default_rng(0)
    arrays = {}
    for name, n in (("train", 60), ("validation", 20), ("test", 20)):
        arrays[f"{name}_images"] = rng.integers(0, 256, (n, 1, 28, 28), dtype=np.uint8)
        arrays[f"{name}_labels"] = np.arange(n) % 2
    np.savez("scans.npz", **arrays)
    for promise in promises(scans):
        promise()


def test_the_metric_of_the_guide_is_computed(capsys):
    (source,) = blocks("docs/howto/metric.md")
    run(source)
    assert 0 <= float(capsys.readouterr().out) <= 1


def test_the_pretrained_classifier_of_the_guide_keeps_its_promises():
    (source,) = blocks("docs/howto/pretrained-guide.md")
    module = run(source, "bench_pretrained")
    (target,) = module["bench_classifiers"]().values()
    kept(
        target, "fit_trains_on_batches_of_the_run", "fit_works_on_grayscale_images", "state_dict_is_the_whole_model",
        "gradients_reach_the_image", "features_run_from_shallow_to_deep", "an_image_alone_is_as_in_a_batch",
    )  # fmt: skip


def test_images_are_scored_as_the_guide_says(tmp_path, monkeypatch, capsys):
    from PIL import Image

    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for folder in ("my-samples", "real-images"):
        (tmp_path / folder).mkdir()
        for i in range(40):
            Image.fromarray(rng.integers(0, 256, (32, 32), dtype=np.uint8)).save(tmp_path / folder / f"{i}.png")
    (source,) = blocks("docs/evaluating-images.md")
    run(source)
    assert "fd-lite0" in capsys.readouterr().out


def test_images_of_given_factors_are_drawn_as_the_guide_says():
    (source,) = blocks("docs/datasets.md")
    assert run(source)["images"].shape == (16, 3, 64, 64)


def test_the_measurements_of_the_page_of_metrics_use_functions_that_exist():
    (source,) = blocks("docs/metrics.md")
    imports = "\n".join(line for line in source.splitlines() if line.startswith("from "))
    assert imports
    run(imports)
    compile(source, "metrics.md", "exec")
