"""What commands read and write: standard output, files, progress, and long lists."""
