"""Data: procedural shapes, and the folders that training reads."""
