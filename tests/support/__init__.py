"""What several tests share: data made on the spot, the screens, the command line, the browser."""
