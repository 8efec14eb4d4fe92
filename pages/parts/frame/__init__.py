"""What frames every screen: address, sidebar, strip, background work."""
