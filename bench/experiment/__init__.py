"""What is asked for, as plain values: requests, jobs and their keys."""
