"""Runs executions: the interpreter and its states, from the bottom up.

services         what the engine provides: clients, clock, records, the function that runs an execution
scope            the state of one thread of control: context object, history, time limits
parallel         concurrent branches                 tasks            the resources of a Task
responses        metadata of integrations            nested_executions startExecution.sync:2
map_settings     fields of both kinds of Map         inline_map       distributed_map
interpreter      runs the states of a machine        lifecycle        runs an execution from start to end
"""
