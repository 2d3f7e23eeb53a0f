"""One file for each outside surface. Import the module you need; nothing is imported here."""
