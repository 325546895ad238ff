"""Logic of the pipeline. It knows no Lambda handler, no environment variable and no AWS client."""
