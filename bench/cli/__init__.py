"""The command line: one file a command, with its arguments."""

from bench.cli.dispatch import main as main
from bench.cli.dispatch import parser as parser
from bench.cli.dispatch import program as program
