"""Turning scenes into images: meshes now, Gaussian splats beside them."""
