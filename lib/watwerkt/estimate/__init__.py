"""The reports' methods as pure functions on microdata (methods B1–B9); each returns a frozen, labelled result."""
