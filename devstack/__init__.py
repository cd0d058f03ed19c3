"""The local stack: real servers, our own processes, and the stand-in for Coconut. The product never imports this."""
