"""Fill the templates in `files` and write them as a new distribution."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from string import Template

from bench.errors import BenchError
from bench.scaffold.host import host_facts

FILES = Path(__file__).parent / "files"
NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
LONGEST = 40  # characters of a name, which is part of many file names
RESERVED = {"ClassVar", "F", "False", "Mapping", "None", "Tensor", "True"}  # by Python, or imported by the modules


@dataclass(frozen=True)
class Kind:
    """What differs between the kinds of plugin, beside the module."""

    summary: str
    reference: str
    claim: str
    measured_by: str
    expected: str
    use: str  # the command that tries it on a board


KINDS: Mapping[str, Kind] = {
    "generator": Kind(
        summary="A variational autoencoder whose samples a classifier must recognise",
        reference="arXiv 1406.5298",
        claim="With guidance the judge recognises the requested class more often than without",
        measured_by="bench run --plugins %{name} --dataset digits --seeds 0,1,2, the same with --set %{name}.guidance=0, "
        "then bench compare %{name} '%{name}[guidance=0]' --dataset digits",
        expected="class-agreement is higher with guidance, and the 95 %% interval leaves out 0",
        use="bench run --plugins %{name} --dataset digits --budget smoke",
    ),
    "classifier": Kind(
        summary="A small convolutional network, usable as guide and as judge",
        reference="Proceedings of the IEEE 86 (1998)",
        claim="It recognises at least 95 %% of the test images of digits after a budget of quick",
        measured_by="bench run --plugins classifier --dataset digits --guide %{name}, which prints the accuracy of the guide",
        expected="at least 0.95",
        use="bench run --plugins classifier --dataset digits --guide %{name} --budget smoke",
    ),
    "dataset": Kind(
        summary="Discs and rings with known factors of variation, as a data set",
        reference="drawn by bench-%{name}",
        claim="The classes can be told apart: a judge reaches a test accuracy of 0.95 at a budget of quick",
        measured_by="bench run --plugins gmm --dataset %{name}, which prints the accuracy of the judge",
        expected="at least 0.95",
        use="bench run --plugins gmm --dataset %{name} --budget smoke",
    ),
}


class _Template(Template):
    """With `%{name}` for what is filled in: `$` and `@` mean other things in the files."""

    delimiter = "%"


def rendered(name: str, kind: str) -> dict[str, str]:
    """The text of each file of the distribution, by its path."""
    package = f"bench_{name.replace('-', '_')}"
    words = {"name": name, "package": package, "cls": class_name(name), "kind": kind} | host_facts()
    words |= {key: _Template(text).substitute(words) for key, text in vars(KINDS[kind]).items()}
    return {path: _fill(template, words) for path, template in _layout(package, kind).items()}


def write_distribution(name: str, kind: str, folder: Path) -> list[Path]:
    """Write it to `folder`, which must not exist. Raises `BenchError` for a name or a folder that cannot be used."""
    check_name(name)
    if folder.exists():
        raise BenchError(f"{folder} exists already; choose another name or another folder with --folder")
    files = {folder / path: text for path, text in rendered(name, kind).items()}
    try:
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BenchError(f"cannot write {error.filename}: {error.strerror}") from error
    return list(files)


def check_name(name: str) -> None:
    """Raises `BenchError` unless it can name an entry, a package and a class, and no package of that name is there."""
    if not NAME.fullmatch(name) or len(name) > LONGEST:
        near = "-".join(re.findall("[a-z0-9]+", name.lower())).lstrip("0123456789-")[:LONGEST].strip("-")
        raise BenchError(
            f"expected a name of up to {LONGEST} lower-case letters, digits and single hyphens that starts with a "
            f"letter, got {name!r}; use {near or 'my-method'!r}"
        )
    if name.startswith("bench-"):
        raise BenchError(f"the distribution of {name!r} would be 'bench-{name}'; use {name.removeprefix('bench-')!r}")
    package = f"bench_{name.replace('-', '_')}"
    if find_spec(package) is not None:
        raise BenchError(f"a package {package} is installed already; choose another name")
    if owner := _owner(name):
        raise BenchError(f"an entry {name!r} is installed already, by {owner}; choose another name")


def class_name(name: str) -> str:
    """`my-method` is `MyMethod`; what the module needs itself gets an underscore."""
    joined = "".join(part.capitalize() for part in name.split("-"))
    return f"{joined}_" if joined in RESERVED else joined


def _owner(name: str) -> str:
    """The distribution that provides an entry of this name, or ""."""
    from bench.registry.plugins import Plugins

    plugins = Plugins()
    plugins.load_all()
    return next((found[name].distribution for found in plugins.entries.values() if name in found), "")


def _layout(package: str, kind: str) -> dict[str, str]:
    """The template of each file, by its path in the distribution."""
    tuning = {f"src/{package}/tuning.toml": "tuning.toml.in"} if kind == "generator" else {}
    return tuning | {
        "pyproject.toml": "pyproject.toml.in",
        "README.md": "README.md.in",
        "tox.ini": "tox.ini.in",
        ".gitignore": "gitignore.in",
        ".github/workflows/ci.yml": "ci.yml.in",
        f"src/{package}/__init__.py": f"{kind}.py.in",
        f"src/{package}/claims.toml": "claims.toml.in",
        f"src/{package}/py.typed": "py.typed.in",
        "tests/test_conformance.py": "tests.py.in",
    }


def _fill(template: str, words: Mapping[str, str]) -> str:
    return _Template((FILES / template).read_text(encoding="utf-8")).substitute(words)
