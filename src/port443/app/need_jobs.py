"""The names of the jobs that bring what sites need; the files that they read are watched under these."""

CERTIFICATE, CLIENT_CA = "certificate", "client_ca"
JOB_KINDS = (CERTIFICATE, CLIENT_CA)


def certificate_job(site: str) -> str:
    """Name the job that brings a site's certificate."""
    return f"{CERTIFICATE}/{site}"


def client_ca_job(site: str) -> str:
    """Name the job that reads a site's client CAs."""
    return f"{CLIENT_CA}/{site}"
