"""What carries requests and files: nothing above it knows of HTTP."""
