"""Readers of the outside world: files in, raw tables out."""
