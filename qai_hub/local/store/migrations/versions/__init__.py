"""The revisions of the database's layout."""
