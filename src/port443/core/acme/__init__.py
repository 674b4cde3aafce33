"""ACME (RFC 8555): flows that yield what to send and are given what came of it. No clock, no socket.

In: replies of a CA, as `reply.Reply`. Out: `flow.Command`s, and in the end a certificate, an account or an
`AcmeError`. Start reading in `order.py`; whoever drives a flow is in `app/acme_flow.py`.
"""
