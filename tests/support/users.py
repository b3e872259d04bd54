"""Users of the hubs of the tests."""

ME, COLLEAGUE, STRANGER = "me@example.com", "colleague@example.com", "stranger@example.com"
