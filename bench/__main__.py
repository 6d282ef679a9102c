"""`python -m bench`."""

from bench.execution.import_path import leave_out_current_folder

leave_out_current_folder()

from bench.cli import program  # noqa: E402

if __name__ == "__main__":
    raise SystemExit(program())
