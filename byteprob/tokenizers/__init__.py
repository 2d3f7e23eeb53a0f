"""What byteprob knows of tokenizers: what their tokens spell, and which may follow others."""
