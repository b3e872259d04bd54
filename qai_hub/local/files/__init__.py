"""File storage of the hub: the `FileStore` protocol, and its implementation in a folder."""
