"""Random commands to two servers that must answer alike."""
