"""The objects of the local S3: files in OUT, and their index in SQLite. `local.aws.s3` is the API in front of them.

objects     put, get, copy, delete, list; versions; recovery after a crash
index       one row for each version of an object, in SQLite
paths       keys to files
files       temporary files, folders, blocks of a file
checksums   digests of the bytes as they arrive
conditions  the conditions of a write
multipart   multipart uploads
adoption    the files of an OUT folder of release 0.1.0
errors      the errors of the S3 API
"""
