"""The errors of the state directory, independent of the store in it."""

from port443.core.errors import StoreError


class StateInUse(StoreError):
    """Another `port443 serve` uses this state directory.

    Two of them would both renew the same certificates and advance the same HSTS rollout. Stop the other one
    (`port443 stop`), or give this one its own directory with `--state DIR`.
    """

    code = "P443-E610"
    fault = "operator"
    exit_code = 5


class StateExposed(StoreError):
    """The state directory or a file in it can be read or changed by other users of this machine.

    It holds private keys. Look who had access, then take it from them with the command in the hint.
    """

    code = "P443-E611"
    fault = "operator"


class StateForeign(StoreError):
    """The state directory belongs to another user of this machine and is private.

    Run port443 as that user, or name your own directory with `--state DIR`. The local CA's roots are public:
    `port443 trust path` prints the copies beside the state directory, which serve writes.
    """

    code = "P443-E622"
    fault = "operator"


class StateAbsent(StoreError):
    """This state directory is empty, or it is not the one of `serve`.

    It is made when `port443 serve` first runs. Name the directory that serve uses with `--state DIR`.
    """

    code = "P443-E618"
    fault = "operator"
