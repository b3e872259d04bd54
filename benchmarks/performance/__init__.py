"""One table of what costs what: our client and hub beside what users would pick instead."""
