"""The Amazon States Language with JSONPath: validation of definitions, paths, intrinsic functions, Choice rules.

resources             what a definition can name: ARNs of integrations, input types, delimiters
paths                 JSONPath and reference paths
intrinsics            the syntax of intrinsic functions          intrinsic_functions   the functions
dataflow              InputPath, Parameters, ResultSelector, ResultPath, OutputPath
choices, retry        Choice rules; Retry and Catch
checks                checks of a value
fields, item_fields   the tables of all fields and their checks; those of a distributed Map
features              what runs and what is refused, for the documentation
definition            loads a definition and checks it as a whole

The source is the Amazon States Language Specification (https://states-language.net), and the AWS Step Functions
Developer Guide where the service differs.
"""
