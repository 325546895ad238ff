"""The S3 API for objects, in front of moto, which has the settings of the buckets. `local.aws.store` keeps the objects.

wsgi          the API as a WSGI application
api           HTTP requests to operations, and errors to answers
requests      requests, answers, and the headers that are stored with an object
objects       operations on objects
uploads       operations on multipart uploads
listing       pages of objects and versions
signature     Signature Version 4: headers, presigned URLs, chunks
bodies        request bodies into temporary files, checksums verified
conditions    conditions and ranges
documents     XML
"""
