"""The command line: one file a command, its arguments beside its body."""

from bench.cli.dispatch import main as main
from bench.cli.dispatch import parser as parser
