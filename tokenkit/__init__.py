"""tokenkit: exact, fast tokenization and preprocessing of text, audio and images."""
