"""The documents that cross to the edge and back: their form, checks and canonical bytes."""
