"""Who runs: each a program of its own, in an environment of its own, a job on standard input, figures on the output."""
