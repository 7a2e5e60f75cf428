"""People, zones and clauses: who is covered, what is judged, where the gaps are."""
