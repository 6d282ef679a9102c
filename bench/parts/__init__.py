"""Pieces that several methods are made of, for any plugin: `from bench.parts.conv import Decoder`, and so on."""
