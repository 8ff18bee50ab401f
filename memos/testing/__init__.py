"""Shipped for whoever writes a backend: one suite a port, and a machine that plays a kernel."""
