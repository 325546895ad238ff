"""Image files, judged by their bytes and never by Content-Type. Nothing is decoded."""
