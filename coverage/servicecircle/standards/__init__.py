"""The five documents as data: their clauses, and the test that judges each."""
