"""The console: a small web site on loopback, for the runs and the images of one stack. docs/console.md describes it.

stack        the local AWS or the deployed stack, with the credentials of the user
runs_api     its REST API, with types
buckets      its buckets: images, results and files of a run
guard        which requests are answered, and the security headers of the answers
options      the options of a run as a form
progress     a run as figures and sentences
views        the answer to each request
pages        HTML from templates
server       the HTTP server
"""

CONSOLE_PORT = 4567
"""The preferred port."""
