"""Plain torch twins of the native kernels: slower, readable, and the truth in their tests."""
