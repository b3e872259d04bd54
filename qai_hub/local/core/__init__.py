"""Records as the contract writes them, for the person who looks at them."""
