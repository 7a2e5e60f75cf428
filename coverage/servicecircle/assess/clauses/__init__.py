"""Clauses of the documents, judged on what was measured: one module per kind of test."""
