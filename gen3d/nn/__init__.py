"""Layers that several models share: attention, embeddings, modulation, feed-forward."""
