"""The coverage report: said once as plain data, written as Word, Excel and HTML with the same figures."""
