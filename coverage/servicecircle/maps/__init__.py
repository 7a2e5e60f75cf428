"""Gap maps that open anywhere: one file each, no request leaves the page."""
