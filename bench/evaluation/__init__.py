"""One trained model, scored."""
