"""Files, to and from signed addresses."""
