"""Every parser, given anything: a value or a sentence, never another error, and never more memory than there is content.

A bounded number of examples, the same each time; with --whole many more, and others each time. What was found this way has
a test of its own in test_corrupt_inputs.py and test_corrupt_runs.py.
"""

import contextlib
import io
import os
import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import strategies as files
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bench.errors import BenchError

MORE = 400 * 2**10  # KiB that all parsers together may take beyond what the process had
WHOLE = "--whole" in sys.argv or bool(os.environ.get("BENCH_WHOLE"))
fuzzed = settings(
    max_examples=int(os.environ.get("BENCH_EXAMPLES", 1_000 if WHOLE else 40)),
    derandomize=not WHOLE,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
)


@pytest.fixture(autouse=True, scope="module")
def _little_memory() -> Iterator[None]:
    """No header made any parser take more memory than its file could fill."""
    import scipy.io  # noqa: F401  what the parsers import is not theirs

    import bench.data.folder  # noqa: F401

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    more = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert more < MORE, f"{more} KiB more"


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda handle: None)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzzing")


@contextlib.contextmanager
def a_value_or_a_sentence(name: object = "") -> Iterator[None]:
    sentence = str(name) or "none"
    try:
        yield
    except BenchError as error:
        sentence = str(error)
    assert sentence
    assert str(name) in sentence


def written(home: Path, name: str, content: bytes) -> Path:
    (home / name).write_bytes(content)
    return home / name


@fuzzed
@given(files.damaged(files.idx_files()))
def test_idx(home: Path, content: bytes) -> None:
    from bench.data.idx import read_idx

    path = written(home, "x-idx3-ubyte", content)
    with a_value_or_a_sentence(path):
        read_idx(path)


@fuzzed
@given(files.damaged(files.tars()))
def test_tar(home: Path, content: bytes) -> None:
    from bench.data.cifar import read_members

    path = written(home, "x.tar.gz", content)
    with a_value_or_a_sentence(path):
        for name, data in read_members(path, {"data_batch_1", "test_batch"}):
            assert name in ("data_batch_1", "test_batch")
            assert len(data) < 10_000


@fuzzed
@given(files.damaged(files.pickles()) | files.programs)
def test_pickles(content: bytes) -> None:
    from bench.data.cifar import read_batch
    from bench.data.unpickle import unpickle

    with a_value_or_a_sentence("x"):
        unpickle(content, "x")
    with a_value_or_a_sentence("x"):
        read_batch(content, "labels", 10, "x")


@fuzzed
@given(files.damaged(files.mats()))
@pytest.mark.filterwarnings("ignore")
def test_mat(home: Path, content: bytes) -> None:
    from bench.data.svhn import read_mat

    path = written(home, "x.mat", content)
    with a_value_or_a_sentence(path):
        assert read_mat(path).images.shape[1:] == (3, 32, 32)


@fuzzed
@given(files.damaged(files.zips()))
@pytest.mark.filterwarnings("ignore")
def test_zip(home: Path, content: bytes) -> None:
    from bench.data.archive import open_archive
    from bench.data.layout import lay_out

    path = written(home, "x.zip", content)
    with a_value_or_a_sentence(path):
        tree = open_archive(path)
        for file in tree.files:
            with a_value_or_a_sentence(path):
                tree.read(file)
        lay_out(tree)


@fuzzed
@given(files.damaged(files.pictures()), st.sampled_from([1, 3]))
@pytest.mark.filterwarnings("ignore")
def test_pictures(content: bytes, channels: int) -> None:
    from bench.data.images import decode, read_header

    with a_value_or_a_sentence("cat.png"):
        read_header(content, "cat.png")
    with a_value_or_a_sentence("cat.png"):
        assert decode(content, "cat.png", channels, 8).shape == (channels, 8, 8)


@pytest.fixture
def grid(monkeypatch: pytest.MonkeyPatch) -> None:
    from bench.data import dsprites

    monkeypatch.setattr(dsprites, "GRID", (3, 2, 1, 1, 1))
    monkeypatch.setattr(dsprites, "POINTS", 6)


def dsprites_files() -> list[bytes]:
    import numpy as np

    classes = np.hstack(
        [np.zeros((6, 1), dtype=int), np.stack(np.unravel_index(np.arange(6), (3, 2, 1, 1, 1)), axis=1)]
    )
    return [files.npz(imgs=np.zeros((6, 64, 64), dtype=np.uint8), latents_classes=classes)]


@fuzzed
@given(files.damaged(dsprites_files()))
@pytest.mark.usefixtures("grid")
@pytest.mark.filterwarnings("ignore")
def test_npz(home: Path, content: bytes) -> None:
    from bench.data.dsprites import read_npz

    path = written(home, "x.npz", content)
    with a_value_or_a_sentence(path):
        assert read_npz(path).shape == (6, 512)


@fuzzed
@given(st.data())
def test_celeba_lists(home: Path, data: st.DataObject) -> None:
    from bench.data.celeba import read_attributes, read_partition

    lists = [b"2\nSmiling Male\n1.jpg 1 -1\n2.jpg -1 1\n", b"1.jpg 0\n2.jpg 2\n"]
    path = written(home, "x.txt", data.draw(files.damaged(lists)))
    with a_value_or_a_sentence(path):
        read_attributes(path)
    with a_value_or_a_sentence(path):
        assert set(read_partition(path, ["1.jpg", "2.jpg"])) <= {0, 1, 2}


LEDGER = b"""method = "M"
source = "arXiv 1"
[[claim]]
id = "a"
claim = "b"
measured_by = "pytest x"
expected = "1"
figure = "2"
status = "shown"
"""


@fuzzed
@given(
    files.damaged([LEDGER, LEDGER + b"n = 1979-05-27T07:32:00Z\nm = {a = [1, 0x7f, inf]}\n"]) | st.binary(max_size=60)
)
def test_claims(home: Path, content: bytes) -> None:
    from bench.cli.claims import listing
    from bench.registry.claims import read_claims

    path = written(home, "claims.toml", content)
    with a_value_or_a_sentence(path):
        listing(read_claims(path, "x"), 80)


def record() -> Any:
    from bench.results.record import Record

    return Record("digits", "good", "p", "d", "1", "", 0, "smoke", "fd", "fd:v1", 0.5, 9, "ok", "", "g@1", "j@1", "cpu", "k")  # fmt: skip


@fuzzed
@given(st.data())
def test_boards(home: Path, data: st.DataObject) -> None:
    from dataclasses import replace

    from bench.boards.rows import decode, encode

    whole = encode([record(), replace(record(), seed=1, status="failed", value=None, reason='a "b", c')])
    path = home / "digits.csv"
    with a_value_or_a_sentence(path):
        assert encode(decode(data.draw(files.damaged([whole])), path))


def configs() -> list[Any]:
    from bench.registry.plugins import Plugins

    plugins = Plugins()
    return [entry for kind in ("generators", "classifiers") for entry in plugins.all(kind) if entry.plugin != "hostile"]


@fuzzed
@given(st.data())
def test_settings(data: st.DataObject) -> None:
    import typing

    from bench.config import build, to_dict
    from bench.experiment.keys import content_key
    from bench.experiment.request import parse_settings

    entry = data.draw(st.sampled_from(_configs()))
    names = sorted(typing.get_type_hints(entry.target.Config))
    text = f"{entry.name}.{data.draw(st.sampled_from(names) | files.texts)}={data.draw(files.texts)}"
    with a_value_or_a_sentence():
        settings = parse_settings([data.draw(st.sampled_from([text, text.replace("=", ""), text[3:]]))], [entry.name])
        content_key(to_dict(build(entry.target.Config, settings[entry.name], entry.name)))


_CONFIGS: list[Any] = []


def _configs() -> list[Any]:
    if not _CONFIGS:
        _CONFIGS.extend(configs())
    return _CONFIGS


names = st.lists(st.sampled_from(["digits", "folder", ":", "@", "20", "0", ",", "..", "/", "~", "\0", "\udcff", "%"])
                 | files.texts, max_size=6).map("".join)  # fmt: skip


@fuzzed
@given(names, names)
def test_names(home: Path, name: str, other: str) -> None:
    from bench.boards import board_path
    from bench.data.folder import Folder
    from bench.experiment.request import ClassifierRef, DatasetRef, parse_names, parse_seeds
    from bench.results.run_dir import record_name

    for parse in (parse_names, parse_seeds):
        with a_value_or_a_sentence():
            parse(name)
    with a_value_or_a_sentence():
        assert DatasetRef.parse(name, 7).labels == 7
    ref, classifier = DatasetRef.parse(name), ClassifierRef.parse(name)
    assert DatasetRef.parse(str(ref)) == ref
    assert ClassifierRef.parse(str(classifier)) == classifier
    with a_value_or_a_sentence():
        board_path(home, name)
    assert "/" not in record_name(name, "0" * 64).removeprefix("records/")
    with a_value_or_a_sentence():
        Folder(other).state()
    with a_value_or_a_sentence():
        Folder(f"{home}/no-such-folder/{other}").load()


def json_parsers() -> dict[str, tuple[Any, Any]]:
    """The content of each JSON file, and its parser."""
    from bench.results.run_dir import parse_records
    from bench.training.fit_once import parse_about

    return {
        "record": ([record().to_dict()], parse_records),
        "classifier": ({"digest": "ab", "accuracy": 0.5}, parse_about),
        "costs": ({"model": "ab", "costs": {"train-images": 1.0}}, lambda content: dict(content["costs"])),
    }


@contextlib.contextmanager
def warnings_of_bench() -> Iterator[list[str]]:
    """The messages that are logged meanwhile."""
    import logging

    messages: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: messages.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("bench")
    logger.addHandler(handler)
    try:
        yield messages
    finally:
        logger.removeHandler(handler)


def write_content(path: Path, payload: bytes) -> None:
    """JSON content with its digest; bytes that are not JSON as they are."""
    import json

    from bench.util.atomic import write_atomic, write_json

    try:
        write_json(path, json.loads(payload))
    except (ValueError, RecursionError):
        write_atomic(path, payload)


@fuzzed
@given(st.data())
def test_json_files(home: Path, data: st.DataObject) -> None:
    from bench.util.atomic import read_json, read_or_quarantine

    value, parse = data.draw(st.sampled_from(list(json_parsers().values())))
    path, aside = home / "file.json", home / "file.json.corrupt"
    aside.unlink(missing_ok=True)
    write_content(path, data.draw(files.changed_json(value)))
    if data.draw(st.booleans()):
        path.write_bytes(data.draw(files.damaged([path.read_bytes()])))
    content = path.read_bytes()
    with warnings_of_bench() as warnings:
        found = read_or_quarantine(path, read_json, parse)
    if found is None:
        assert aside.read_bytes() == content
        (warning,) = warnings
        assert str(path) in warning
        assert "\n" not in warning
    else:
        assert not warnings


@fuzzed
@given(st.data())
def test_checkpoints_and_samples(data: st.DataObject) -> None:
    import numpy as np
    import torch

    from bench.api import Spec
    from bench.results.samples import unpack_samples
    from bench.util.atomic import Corrupt

    buffer = io.BytesIO()
    torch.save({"phase": "p", "model": {"w": torch.zeros(2)}}, buffer)
    samples = files.npz(
        images=np.zeros((2, 1, 8, 8), np.uint8), labels=np.zeros(2, np.int64), conditional=np.array(True)
    )
    content = data.draw(files.damaged([buffer.getvalue(), samples]))
    for parse in (
        lambda: torch.load(io.BytesIO(content), weights_only=True),
        lambda: unpack_samples(content, Spec("x", 1, 8, ("a", "b")), 2),
    ):
        with contextlib.suppress(Exception, Corrupt):  # for readers of such files any error means corrupt
            parse()


@fuzzed
@given(st.data())
def test_jobs_and_keys(home: Path, data: st.DataObject) -> None:
    from bench.cli.explain import explain_key, explanation_text

    key = "ab" * 32
    names = {"entry": "good", "dataset": "digits", "seed": 0, "device": "cpu"}
    folder = home / "runs" / "digits" / "good" / "seed0-x"
    folder.mkdir(parents=True, exist_ok=True)
    whole = {"key": key, "job": names, "training": names}
    (folder / "job.json").write_bytes(data.draw(files.changed_json(whole)))
    asked = data.draw(st.sampled_from([key, key[:6], "a*", "*" * 6, "../" * 4, "[" * 7, "ab" * 40]) | files.texts)
    with a_value_or_a_sentence(), contextlib.redirect_stderr(io.StringIO()):
        explanation_text(explain_key(home / "runs", asked))


@fuzzed
@given(st.data())
def test_manifests(home: Path, data: st.DataObject) -> None:
    from bench.results import manifest

    runs = home / "runs"
    write_content(runs / "records.json", data.draw(files.changed_json([record().to_dict()])))
    whole = {"records": ["records.json"], "data": [], "stamps": []}
    path = runs / "manifest.json"
    write_content(path, data.draw(files.changed_json(whole)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest, "_path", lambda runs, wish: path)
        found = manifest.find_manifest(runs, _Wish())  # type: ignore[arg-type]
    assert found is None or isinstance(found, list)


class _Wish:
    budget = "smoke"
