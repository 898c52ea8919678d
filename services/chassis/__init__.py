"""What every service stands on: journal, outbox and relay, inbox, projection, dead letters, migrations,
HTTP, identity, telemetry and health. It knows no event, table or rule of a service.
"""
