"""`folder:PATH`: anyone's images."""

import re
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from bench.data import load
from bench.data.folder import Cifar10Jpeg, Folder, slug
from bench.errors import BenchError
from bench.experiment.request import DatasetRef


def fill(folder: Path, count: int, colour: object, mode: str = "RGB", size: tuple[int, int] = (36, 36)) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        image = Image.new(mode, size, colour)  # type: ignore[arg-type]
        image.putpixel((i % size[0], i // size[0]), (1, 1, 1) if mode == "RGB" else 1)  # no two are equal
        image.save(folder / f"{i:03d}.png")


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    home = tmp_path / "My Pets"
    fill(home / "cat", 30, (200, 0, 0))
    fill(home / "dog", 20, (0, 0, 200))
    return home


@pytest.fixture
def split_pets(tmp_path: Path) -> Path:
    home = tmp_path / "pets"
    for split, count in (("train", 20), ("test", 7)):
        fill(home / split / "cat", count, (200, 0, 0))
        fill(home / split / "dog", count, (0, 0, 200))
    return home


def sizes(folder: Path) -> tuple[int, int, int]:
    dataset = load(f"folder:{folder}")
    return len(dataset.train), len(dataset.validation), len(dataset.test)


def zipped(folder: Path, top: str = "") -> Path:
    path = folder.parent / f"{folder.name}.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, Path(top) / file.relative_to(folder))
    return path


def test_class_folders_become_classes(pets: Path):
    dataset = load(f"folder:{pets}")
    assert dataset.spec.name == "folder-my-pets"
    assert dataset.spec.classes == ("cat", "dog")
    assert dataset.spec.shape == (3, 32, 32)
    for split in (dataset.train, dataset.validation, dataset.test):
        red = split.images[:, 0].float().mean(dim=(1, 2)) > 100
        assert (red == (split.labels == 0)).all()


def test_without_a_test_folder_a_fifth_of_every_class_is_for_test(pets: Path):
    dataset = load(f"folder:{pets}")
    assert dataset.test.labels.bincount().tolist() == [6, 4]
    assert dataset.validation.labels.bincount().tolist() == [2, 2]
    assert dataset.train.labels.bincount().tolist() == [22, 14]


def test_train_and_test_folders_are_the_splits(split_pets: Path):
    assert sizes(split_pets) == (36, 4, 14)


def test_a_validation_folder_is_the_validation_split(split_pets: Path):
    fill(split_pets / "val" / "cat", 3, (200, 0, 0))
    fill(split_pets / "val" / "dog", 3, (0, 0, 200))
    assert sizes(split_pets) == (40, 6, 14)


@pytest.mark.parametrize(
    ("train", "test"),
    [("Training", "Testing"), ("training_set", "test_set"), ("TRAIN", "Test-Set"), ("trainset", "testing set")],
)
def test_splits_are_read_by_their_usual_names(split_pets: Path, train: str, test: str):
    for name, other in (("train", train), ("test", test)):
        (split_pets / name).rename(split_pets / "moved")
        (split_pets / "moved").rename(split_pets / other)
    assert load(f"folder:{split_pets}").spec.classes == ("cat", "dog")
    assert sizes(split_pets) == (36, 4, 14)


def test_val_is_the_test_split_if_there_is_no_test_and_it_is_said(split_pets: Path, caplog: pytest.LogCaptureFixture):
    (split_pets / "test").rename(split_pets / "val")
    assert sizes(split_pets) == (36, 4, 14)
    assert "no test folder: val is the test split, and validation images are held out of train" in caplog.text


def test_folders_that_hold_the_same_folders_are_no_classes(split_pets: Path):
    (split_pets / "train").rename(split_pets / "part-a")
    (split_pets / "test").rename(split_pets / "part-b")
    with pytest.raises(BenchError, match=r"part-a and part-b hold the same folders \(cat, dog\): call them train and"):
        load(f"folder:{split_pets}")


def test_classes_may_hold_one_folder_of_the_same_name(tmp_path: Path):
    for name in ("cat", "dog"):
        fill(tmp_path / "pets" / name / "indoor", 10, 0)
    assert load(f"folder:{tmp_path / 'pets'}").spec.classes == ("cat", "dog")


@pytest.mark.parametrize("top", ["", "wrapped", "wrapped/twice"])
def test_a_zip_gives_what_its_folder_gives(split_pets: Path, top: str):
    folder, archive = load(f"folder:{split_pets}"), load(f"folder:{zipped(split_pets, top)}")
    assert folder.digest == archive.digest


def test_a_data_set_does_not_depend_on_where_it_lies(pets: Path, tmp_path: Path):
    shutil.copytree(pets, tmp_path / "elsewhere" / pets.name)
    assert load(f"folder:{pets}").digest == load(f"folder:{tmp_path / 'elsewhere' / pets.name}").digest


def test_an_added_image_moves_no_other(pets: Path):
    for i in range(30):
        Image.new("RGB", (32, 32), (200, i, i)).save(pets / "cat" / f"{i:03d}.png")
    before = {bytes(image.numpy().tobytes()) for image in load(f"folder:{pets}").test.images}
    Image.new("RGB", (32, 32), (0, 9, 200)).save(pets / "dog" / "new.png")
    after = {bytes(image.numpy().tobytes()) for image in load(f"folder:{pets}").test.images}
    assert len(before - after) <= 1


def test_the_classes_are_mixed_within_a_split(pets: Path):
    labels = load(f"folder:{pets}").train.labels
    assert 0 < labels[:18].sum() < 14


def test_a_changed_folder_is_read_again(pets: Path):
    before = load(f"folder:{pets}")
    fill(pets / "cat", 30, (100, 0, 0))
    assert load(f"folder:{pets}").digest != before.digest


@pytest.mark.parametrize(
    ("sides", "size"), [([20, 20, 24], 28), ([33, 60, 70], 32), ([64, 64, 500], 64), ([300, 400, 120], 256)]
)
def test_the_native_size_follows_from_the_median_side(tmp_path: Path, sides: list[int], size: int):
    for name in ("cat", "dog"):
        for i, side in enumerate(sides * 2):
            (tmp_path / "pets" / name).mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (side, side + 11), (i, 0, 0)).save(tmp_path / "pets" / name / f"{i}.png")
    assert load(f"folder:{tmp_path / 'pets'}").spec.size == size


def test_gray_images_stay_gray(tmp_path: Path):
    fill(tmp_path / "pets" / "cat", 10, 50, "L")
    fill(tmp_path / "pets" / "dog", 10, 20_000, "I;16")
    assert load(f"folder:{tmp_path / 'pets'}").spec.channels == 1
    fill(tmp_path / "pets" / "dog", 1, (1, 2, 3))
    assert load(f"folder:{tmp_path / 'pets'}").spec.channels == 3


def test_any_sizes_and_modes_live_together(tmp_path: Path):
    home = tmp_path / "pets"
    for i, (mode, colour) in enumerate(
        [("RGB", (9, 9, 9)), ("RGBA", (9, 9, 9, 9)), ("P", 3), ("L", 3), ("1", 1), ("LA", (3, 3)), ("I;16", 40_000)] * 2
    ):
        for name in ("cat", "dog"):
            (home / name).mkdir(parents=True, exist_ok=True)
            Image.new(mode, (30 + i, 50 - i), colour).save(home / name / f"{i}.png")
    dataset = load(f"folder:{home}")
    assert dataset.spec.shape == (3, 32, 32)


def test_images_without_folders_have_no_classes(pets: Path):
    dataset = load(f"folder:{pets / 'cat'}")
    assert not dataset.spec.has_classes
    assert dataset.spec.classes == ("images",)
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (22, 2, 6)
    assert not torch.cat([split.labels for split in (dataset.train, dataset.validation, dataset.test)]).any()


@pytest.mark.parametrize("top", ["", "photos", "photos/2019"])
def test_images_without_classes_in_a_zip_are_the_same(pets: Path, top: str):
    dataset, folder = load(f"folder:{zipped(pets / 'cat', top)}"), load(f"folder:{pets / 'cat'}")
    assert not dataset.spec.has_classes
    assert torch.equal(dataset.train.images.flatten(1).sort(0)[0], folder.train.images.flatten(1).sort(0)[0])


def test_a_single_class_folder_is_a_folder_without_classes(pets: Path):
    shutil.rmtree(pets / "dog")
    dataset = load(f"folder:{pets}")
    assert not dataset.spec.has_classes
    assert dataset.spec.classes == ("cat",)


def test_splits_without_class_folders_have_no_classes(tmp_path: Path):
    home = tmp_path / "photos"
    fill(home / "train", 20, (200, 0, 0))
    fill(home / "test", 7, (0, 0, 200))
    assert not load(f"folder:{home}").spec.has_classes
    assert sizes(home) == (18, 2, 7)


def test_a_split_without_classes_beside_one_with_classes_is_refused(split_pets: Path):
    shutil.rmtree(split_pets / "test")
    fill(split_pets / "test", 7, (0, 0, 200))
    with pytest.raises(
        BenchError, match="expected the same classes in train and test, got only in one of them: cat, dog"
    ):
        load(f"folder:{split_pets}")


@pytest.mark.parametrize(("count", "says"), [(0, "expected images, or class folders, got none"), (2, "none is left")])
def test_too_few_images_without_classes_are_refused(tmp_path: Path, count: int, says: str):
    fill(tmp_path / "photos", count, (200, 0, 0))
    with pytest.raises(BenchError, match=says):
        load(f"folder:{tmp_path / 'photos'}")


def test_hidden_files_are_ignored(pets: Path):
    before = load(f"folder:{pets}").digest
    (pets / ".DS_Store").write_text("x")
    (pets / "cat" / "Thumbs.db").write_text("x")
    (pets / ".cache").mkdir()
    assert load(f"folder:{pets}").digest == before


def test_a_tilde_is_the_home_folder(pets: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(pets.parent))
    assert load("folder:~/My Pets").digest == load(f"folder:{pets}").digest


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda home: shutil.rmtree(home), "no such folder or zip file"),
        (lambda home: (home / "bird").mkdir(), "class folder .*bird is empty"),
        (
            lambda home: (home / "cat" / "notes.txt").write_text("x"),
            "cat/notes.txt is not an image: expected a name that ends in",
        ),
        (lambda home: (home / "cat" / "notes.png").write_text("x"), "cat/notes.png is not an image"),
        (lambda home: shutil.copy(home / "cat" / "000.png", home / "a.png"), "a.png is not in a class folder"),
        (lambda home: fill(home / "rare", 2, 0, "L"), "class 'rare' has too few images"),
        (lambda home: (home / "cat" / "000.png").write_bytes(b""), "000.png is not an image"),
        (lambda home: truncate(home / "cat" / "000.png"), "000.png is not a valid image"),
    ],
)
def test_errors_about_a_folder_name_the_problem_and_the_path(pets: Path, change: object, says: str):
    change(pets)  # type: ignore[operator]
    with pytest.raises(BenchError, match=says) as caught:
        load(f"folder:{pets}")
    assert str(pets) in str(caught.value)


def truncate(path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:2_000])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda home: shutil.rmtree(home / "test"), "expected both train and test, or class folders, got train"),
        (
            lambda home: fill(home / "test" / "bird", 1, 0),
            "same classes in train and test, got only in one of them: bird",
        ),
        (lambda home: fill(home / "extra", 1, 0), "expected nothing but train and test .*, got also extra"),
        (
            lambda home: shutil.rmtree(home / "test" / "dog"),
            "same classes in train and test, got only in one of them: dog",
        ),
        (lambda home: empty(home / "test" / "dog"), "test/dog is empty"),
    ],
)
def test_errors_about_published_splits_name_the_problem(split_pets: Path, change: object, says: str):
    change(split_pets)  # type: ignore[operator]
    with pytest.raises(BenchError, match=says):
        load(f"folder:{split_pets}")


def empty(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink()


def test_equal_images_are_in_one_split(pets: Path):
    for file in list(pets.rglob("*.png")):
        shutil.copy(file, file.with_name(f"{file.stem} (1).png"))
    dataset = load(f"folder:{pets}")
    splits = [
        {it.numpy().tobytes() for it in split.images} for split in (dataset.train, dataset.validation, dataset.test)
    ]
    assert all(splits)
    assert not splits[0] & splits[1] | splits[0] & splits[2] | splits[1] & splits[2]


def test_the_split_of_an_image_does_not_depend_on_its_name(pets: Path):
    before = {it.numpy().tobytes() for it in load(f"folder:{pets}").test.images}
    for i, file in enumerate(sorted(pets.rglob("*.png"))):
        file.rename(file.with_name(f"renamed-{i * 7919 % 100}.png"))
    assert {it.numpy().tobytes() for it in load(f"folder:{pets}").test.images} == before


def test_test_images_that_are_training_images_are_counted(split_pets: Path, caplog: pytest.LogCaptureFixture):
    fill(split_pets / "test" / "cat", 2, (1, 90, 90))  # two of seven are new
    load(f"folder:{split_pets}")
    assert "12 of 14 test images are training images too" in caplog.text


def test_validation_images_that_are_training_images_are_counted(split_pets: Path, caplog: pytest.LogCaptureFixture):
    shutil.copytree(split_pets / "train", split_pets / "eval")
    load(f"folder:{split_pets}")
    assert re.search(r"(\d+) of \1 validation images are training images too", caplog.text)


def test_names_are_compared_as_composed(tmp_path: Path):
    for split, name in (("train", "caf\u00e9"), ("test", "cafe\u0301")):
        fill(tmp_path / "both" / split / name, 9, (9, 0, 0))
        fill(tmp_path / "both" / split / "pub", 9, (0, 0, 9))
    assert load(f"folder:{tmp_path / 'both'}").spec.classes == ("caf\u00e9", "pub")


def test_a_folder_in_both_spellings_has_one_digest(tmp_path: Path):
    digests = set()
    for place, name in (("a", "caf\u00e9"), ("b", "cafe\u0301")):
        fill(tmp_path / place / "x" / name, 12, (9, 0, 0))
        fill(tmp_path / place / "x" / "pub", 12, (0, 0, 9))
        digests.add(load(f"folder:{tmp_path / place / 'x'}").digest)
    assert len(digests) == 1


def test_classes_may_be_called_train_and_car(tmp_path: Path):
    fill(tmp_path / "traffic" / "car", 10, 0)
    fill(tmp_path / "traffic" / "train", 10, 0)
    assert load(f"folder:{tmp_path / 'traffic'}").spec.classes == ("car", "train")


def test_a_failed_preparation_leaves_nothing_behind(pets: Path, cache: Path):
    truncate(pets / "dog" / "000.png")
    with pytest.raises(BenchError):
        load(f"folder:{pets}")
    assert not [path for path in (cache / "prepared").iterdir() if path.is_dir()]


def test_a_folder_needs_a_path():
    assert Folder().state().state == "missing"
    with pytest.raises(BenchError, match="data set 'folder' needs the path of a folder"):
        load("folder")


def test_cifar10_jpeg_is_a_zip_under_its_own_name(split_pets: Path, tmp_path: Path):
    with pytest.raises(BenchError, match=r"get cifar10-jpeg.zip from .* and put it at"):
        load("cifar10-jpeg", tmp_path)
    zipped(split_pets).rename(tmp_path / "cifar10-jpeg.zip")
    assert Cifar10Jpeg(root=tmp_path).state().state == "ready"
    dataset = load("cifar10-jpeg", tmp_path)
    assert dataset.spec.name == "cifar10-jpeg"
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (36, 4, 14)


# Names


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("My Pets", "my-pets"),
        ("pets_2024 (final)", "pets-2024-final"),
        ("猫", "猫"),
        ("Кошки и Собаки", "кошки-и-собаки"),
        ("हिन्दी", "हिन्दी"),
        ("cafe\u0301", "café"),
        ("🐱", "🐱"),
        ("faces@12", "faces-12"),
        ("p\udcffts", "p-ts"),
    ],
)
def test_a_name_keeps_the_letters_of_any_script(name: str, expected: str):
    assert slug(name) == expected


@pytest.mark.parametrize("name", ["", "!!!", "---", "\u200b", "..."])
def test_a_name_is_never_empty_and_names_without_letters_differ(name: str):
    others = {slug(other) for other in ("?", "??", "***")}
    assert len(slug(name)) == 8
    assert slug(name) not in others


def test_the_name_of_a_data_set_is_known_without_reading_it(pets: Path, split_pets: Path):
    for path in (pets, split_pets, zipped(split_pets)):
        assert Folder(str(path)).spec_name == load(f"folder:{path}").spec.name
    assert Folder(str(pets / "no-such.zip")).spec_name == "folder-no-such"


def twelve_bits(folder: Path, highest: int = 4095) -> Path:
    """Two classes of 16-bit images whose values end at `highest`."""
    for name, level in (("cat", highest), ("dog", highest // 2)):
        fill(folder / name, 12, level, "I;16")
    return folder


def test_16_bit_images_that_use_fewer_bits_are_told_and_not_turned_black(tmp_path: Path):
    home = twelve_bits(tmp_path / "xray")
    with pytest.raises(BenchError, match=r"values up to 4,095 of 65,535; .* folder:.*xray:range=0-4095"):
        load(f"folder:{home}")


def test_a_range_says_what_is_black_and_white(tmp_path: Path):
    home = twelve_bits(tmp_path / "xray")
    data = load(f"folder:{home}:range=0-4095")
    assert data.spec.name == "folder-xray"
    brightest = torch.cat([part.images.flatten(1).amax(1) for part in (data.train, data.validation, data.test)])
    assert int(brightest.max()) == 255
    assert 127 <= int(brightest.min()) < 140  # the resize overshoots a little
    assert load(f"folder:{home}:range=0-65535").train.images.max() < 20


def test_a_range_and_a_number_of_labels_go_together(tmp_path: Path):
    home = twelve_bits(tmp_path / "xray")
    ref = DatasetRef.parse(f"folder:{home}:range=0-4095@5")
    ref.require_path()
    assert (ref.argument, ref.labels) == (f"{home}:range=0-4095", 5)
    assert Folder(ref.argument).levels == (0, 4095)


def test_a_path_that_looks_like_a_range_is_a_path(tmp_path: Path):
    home = tmp_path / "x:range=0-9"
    fill(home / "cat", 9, (9, 9, 9))
    fill(home / "dog", 9, (99, 9, 9))
    assert load(f"folder:{home}").spec.classes == ("cat", "dog")


@pytest.mark.parametrize("text", ["5-5", "9-3", "0-70000"])
def test_a_range_that_is_none_is_refused(text: str, tmp_path: Path):
    home = twelve_bits(tmp_path / "xray")
    with pytest.raises(BenchError, match="expected a range such as 0-4095 within 0-65535"):
        load(f"folder:{home}:range={text}")


def test_all_files_that_cannot_be_used_are_told_at_once(pets: Path):
    for i in range(14):
        (pets / "cat" / f"bad{i:02d}.png").write_text("no image")
    (pets / "cat" / "cut.png").write_bytes((pets / "cat" / "000.png").read_bytes()[:60])
    (pets / "dog" / "notes.txt").write_text("notes")
    with pytest.raises(BenchError) as caught:
        load(f"folder:{pets}")
    said = str(caught.value)
    assert "16 files cannot be used" in said
    assert said.count(" is not an image") == 10
    assert said.endswith("; and 6 more")


def test_folders_that_are_numbers_are_in_the_order_of_numbers(tmp_path: Path):
    for number in (1, 2, 9, 10, 11):
        fill(tmp_path / "pages" / str(number), 8, (number, 0, 0))
    assert load(f"folder:{tmp_path / 'pages'}").spec.classes == ("1", "2", "9", "10", "11")
