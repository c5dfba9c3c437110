"""Drivers: each measures one thing in a fresh Python process and prints JSON."""
