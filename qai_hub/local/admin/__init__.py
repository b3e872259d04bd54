"""What the administrator of a hub does, beside the processes that serve it."""
