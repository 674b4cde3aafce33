"""The names of the jobs for the needs of sites; watched files are registered under them."""

CERTIFICATE, CLIENT_CA, STORED_CERTIFICATE = "certificate", "client_ca", "stored_certificate"
JOB_KINDS = (CERTIFICATE, CLIENT_CA, STORED_CERTIFICATE)


def certificate_job(site: str) -> str:
    """Return the name of the job for a site's certificate."""
    return f"{CERTIFICATE}/{site}"


def stored_certificate_job(site: str) -> str:
    """Name the job that looks for what a site's issuer gave before."""
    return f"{STORED_CERTIFICATE}/{site}"


def client_ca_job(site: str) -> str:
    """Name the job that reads a site's client CAs."""
    return f"{CLIENT_CA}/{site}"
