"""Reads /proc, control groups and containers. It decides and prints nothing."""
