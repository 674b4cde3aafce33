"""The client and the supervisor of the edge process. It must not know what a plan is made of."""
