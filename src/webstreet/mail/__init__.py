"""Mail: render once, personalise by bytes, send over pooled SMTP connections, and say exactly what became of each message.

Owns: addresses, EMAIL_URL, messages, SMTP over one or several servers, and the pump between the two protocols it needs (`pump.Outbox`,
`pump.Transport`).
Invariants: no Django; asyncio only here; a message whose fate is not known is `uncertain`, never `sent`; a connection failure is
never a success; no text of a recipient or of a server's reply is kept in an error.
"""
