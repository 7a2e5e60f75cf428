"""The scheduled run: when due, what is published, what holds it back, and who is told."""
