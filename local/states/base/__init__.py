"""What every part of the interpreter uses: errors, ARNs, payloads, the clock and stop signals."""
