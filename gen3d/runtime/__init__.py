"""Devices, seeds, progress, optional imports, atomic files: what every room stands on."""
