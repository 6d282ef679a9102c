"""One model, trained under watch."""
