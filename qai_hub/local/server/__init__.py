"""The hub's server: connections, middleware, pages, and how it is run."""
