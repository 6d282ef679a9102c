"""What each command does with its parsed options; imports nothing heavy before it needs it."""
