"""Domain tokenizers: recipes and training; comparing tokenizers, also under OCR noise."""
