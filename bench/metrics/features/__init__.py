"""The feature spaces, one module each."""
