"""HTTP clients of the package, with retries, time limits and proxies."""
