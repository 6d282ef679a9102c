"""The packages of the wheel: the host and what lies in the folders of plugins/. Everything else is in pyproject.toml."""

from glob import glob

from setuptools import find_packages, setup

folders = [".", *sorted(glob("plugins/*"))]
found = {
    package: folder for folder in folders for package in find_packages(folder, include=["bench", "bench.*", "bench_*"])
}

setup(
    packages=list(found),
    package_dir={package: f"{folder}/{package}" for package, folder in found.items() if "." not in package},
)
