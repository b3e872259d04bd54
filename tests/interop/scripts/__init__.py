"""What users write: each function is a script, and runs under either client."""
