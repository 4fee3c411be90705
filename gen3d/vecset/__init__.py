"""Vecset diffusion: shapes as sets of latent vectors, and a flow over such sets."""
