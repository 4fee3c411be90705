"""Measurements: each returns a report with flat figures and tables for people."""
