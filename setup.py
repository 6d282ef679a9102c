"""The packages of the wheel: the host and what lies in the folders of plugins/. Everything else is in pyproject.toml."""

from glob import glob
from shutil import rmtree

from setuptools import find_packages, setup

PATTERNS = ["bench", "bench.*", "bench_*"]

rmtree("build/lib", ignore_errors=True)  # setuptools packs whatever an earlier build left there
folders = [".", *sorted(glob("plugins/*"))]
found = {package: folder for folder in folders for package in find_packages(folder, include=PATTERNS)}

setup(
    packages=list(found),
    package_dir={package: f"{folder}/{package}" for package, folder in found.items() if "." not in package},
)
