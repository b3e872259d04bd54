"""Where a hub keeps its files: the protocol, and a folder as its implementation."""
