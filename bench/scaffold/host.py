"""What a new distribution has to know of the installed host: versions, and where it came from."""

import json
import re
from importlib.metadata import Distribution, distribution, metadata

HOST = "classifier-bench"


def host_facts() -> dict[str, str]:
    """`version`, `python`, `pythons`, `quoted_pythons`, `torch` and `source`, as they stand in the templates."""
    installed = distribution(HOST)
    versions = supported_pythons()
    return {
        "version": installed.version,
        "python": f">={versions[0]}",
        "pythons": ",".join(version.replace(".", "") for version in versions),
        "quoted_pythons": ", ".join(f'"{version}"' for version in versions),
        "torch": lowest("torch", installed),
        "source": origin(installed),
    }


def supported_pythons() -> list[str]:
    """The versions that the host declares, such as 3.11, lowest first."""
    found = (re.fullmatch(r"Programming Language :: Python :: (3\.\d+)", text) for text in _classifiers())
    return sorted((match[1] for match in found if match), key=lambda text: int(text.split(".")[1]))


def lowest(package: str, installed: Distribution) -> str:
    """The lowest version of a dependency that the host allows."""
    (bound,) = (match[1] for text in installed.requires or () if (match := re.match(rf"{package}>=([\d.]+)", text)))
    return bound


def origin(installed: Distribution) -> str:
    """What pip installs it from on another machine: its repository, if it came from one, or its name."""
    about = json.loads(installed.read_text("direct_url.json") or "{}")
    version_control = about.get("vcs_info", {}).get("vcs")
    return f"{HOST} @ {version_control}+{about['url']}" if version_control else HOST


def local_folder(installed: Distribution) -> str:
    """The folder that it was installed from, or ""."""
    about = json.loads(installed.read_text("direct_url.json") or "{}")
    return str(about.get("url", "")).removeprefix("file://") if "dir_info" in about else ""


def _classifiers() -> list[str]:
    return metadata(HOST).get_all("Classifier") or []
