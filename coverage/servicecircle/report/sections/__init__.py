"""The sections of the full coverage report, each as plain data."""
