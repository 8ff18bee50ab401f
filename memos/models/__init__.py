"""Models, one file each: <port>_<technology>.py."""
