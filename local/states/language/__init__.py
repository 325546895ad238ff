"""The Amazon States Language: definitions, paths, intrinsic functions and Choice rules."""
