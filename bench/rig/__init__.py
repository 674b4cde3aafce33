"""The bench rig: one proxy at a time under one load, and what it cost."""
