"""robots.txt (RFC 9309): its rules for this program, how it is read, and what is known about each origin."""
