"""Jobs: what they are, what they are doing, and how to wait for them."""
