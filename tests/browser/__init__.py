"""Pages in a browser. A package, so that browser and hub end with the last of these tests."""
