"""Raw tables are checked, mended and listed here; the only maker of `Inputs`."""
