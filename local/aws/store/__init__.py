"""The objects of the local S3, as files in OUT: the data plane in front of moto, which keeps the buckets' settings.

api         HTTP requests to operations, and their answers
signature   Signature Version 4: headers, presigned URLs, chunks
bodies      request bodies into temporary files, checksums verified
objects     put, get, copy, delete, list; versions; recovery after a crash
multipart   multipart uploads
index       what is known of each object, in SQLite
paths       keys to files
"""
