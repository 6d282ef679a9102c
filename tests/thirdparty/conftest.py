"""The stranger's own tests run where the stranger is installed, not here."""

collect_ignore = ["bench-gaussian"]
