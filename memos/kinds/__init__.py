"""What is particular to each kind of memory; decisions only, no I/O but through ports."""
