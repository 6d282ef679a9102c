"""Building blocks shared by several methods, for any plugin: `from bench.parts.conv import Decoder`, and so on."""
