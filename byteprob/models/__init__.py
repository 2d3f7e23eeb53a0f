"""Token-level language models: n-grams of our own, those of transformers, and vLLM's."""
