"""Sample corpora built from what every machine has, and recipes for large public ones."""
