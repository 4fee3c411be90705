"""The front of our kernels: one module per family, native where built, plain torch elsewhere."""
