"""Logic of the pipeline. It imports no handler and no AWS client, and reads no environment variable."""
