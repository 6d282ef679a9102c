"""The distribution that `bench new` writes: a plugin that works, to be changed into one's own."""
