"""Estimates of the time and the cost of a run, and the AWS prices that they use."""
