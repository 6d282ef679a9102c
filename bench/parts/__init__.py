"""Parts of generators that several methods share: plugins may import them."""
