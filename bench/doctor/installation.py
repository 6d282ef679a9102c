"""The distribution, its dependencies and extras, and the plugins."""

import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution, version

from packaging.requirements import Requirement

from bench.doctor.check import Check
from bench.registry.plugins import OWN, Plugins
from bench.util.pip import install_command

TOPIC = "installation"
FOR_DEVELOPMENT = {"dev", "docs", "lint", "test"}  # extras that say nothing about what bench can do


def checks() -> Iterator[Check]:
    """Versions, then what is missing, then optional packages, then plugins."""
    yield _python()
    yield _dependencies()
    yield from map(_extra, _extras())
    yield from _plugins()


def unmet(extra: str = "") -> list[Requirement]:
    """The requirements of the distribution, or of one of its extras, that are not installed in an allowed version."""
    wanted = map(Requirement, distribution(OWN).requires or ())
    return [it for it in wanted if _is_of(it, extra) and it.name != OWN and not _is_met(it)]


def _python() -> Check:
    installed = distribution(OWN)
    allowed = Requirement(f"python{installed.metadata['Requires-Python']}").specifier
    here = ".".join(map(str, sys.version_info[:3]))
    detail = f"{OWN} {installed.version}, Python {here} in {sys.prefix}"
    if allowed.contains(here):
        return Check(TOPIC, "versions", "ok", detail)
    return Check(TOPIC, "versions", "broken", f"{detail}; expected Python {allowed}", "install another Python")


def _dependencies() -> Check:
    missing = unmet()
    count = sum(_is_of(Requirement(text), "") for text in distribution(OWN).requires or ())
    if not missing:
        return Check(TOPIC, "dependencies", "ok", f"{count} of {count} in allowed versions")
    found = ", ".join(f"{it} ({_version(it.name) or 'not installed'})" for it in missing)
    return Check(TOPIC, "dependencies", "broken", f"expected {found}", install_command(*map(str, missing)))


def _extra(name: str) -> Check:
    missing = [str(it).partition(";")[0].strip() for it in unmet(name)]
    if not missing:
        return Check(TOPIC, f"extra {name}", "ok", "installed")
    return Check(TOPIC, f"extra {name}", "optional", f"not installed: {', '.join(missing)}", install_command(*missing))


def _plugins() -> Iterator[Check]:
    plugins = Plugins()
    plugins.load_all()
    entries = [entry for found in plugins.entries.values() for entry in found.values()]
    names = sorted({entry.plugin for entry in entries if entry.distribution != OWN})
    own = len({entry.plugin for entry in entries}) - len(names)
    yield Check(TOPIC, "plugins", "ok", f"{own} of bench, others: {', '.join(names) or 'none'}")
    for it in plugins.broken:
        remedy = f"mend it, or: python -m pip uninstall {it.distribution}"
        yield Check(TOPIC, f"plugin {it.plugin}", "broken", it.reason, remedy)


def _extras() -> list[str]:
    names = distribution(OWN).metadata.get_all("Provides-Extra") or []
    return sorted(set(names) - FOR_DEVELOPMENT)


def _is_of(requirement: Requirement, extra: str) -> bool:
    """Whether it is a requirement of this extra here; without one, of the distribution itself."""
    if requirement.marker is None:
        return not extra
    return requirement.marker.evaluate({"extra": extra}) and (
        not extra or not requirement.marker.evaluate({"extra": ""})
    )


def _is_met(requirement: Requirement) -> bool:
    found = _version(requirement.name)
    return found is not None and requirement.specifier.contains(found, prereleases=True)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
