"""What git tracks."""

SYMLINK = "120000"


def test_the_repository_has_no_symlinks(modes: dict[str, str]) -> None:
    assert "pyproject.toml" in modes
    assert [path for path, mode in modes.items() if mode == SYMLINK] == []


def test_a_ledger_lies_in_its_package(tracked: list[str]) -> None:
    ledgers = [path.split("/") for path in tracked if path.endswith("/claims.toml")]
    assert ledgers
    for root, folder, *rest in ledgers:
        assert (root, rest) == ("plugins", [f"bench_{folder}", "claims.toml"])
