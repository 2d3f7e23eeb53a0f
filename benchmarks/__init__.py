"""Side-by-side measurements. ``python -m benchmarks`` runs every table, each in its own process."""
