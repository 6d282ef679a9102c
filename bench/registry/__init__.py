"""Which plugins are installed, and what belongs to them."""
