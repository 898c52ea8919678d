-- One database and one role per service, and nobody but its role enters a database: PostgreSQL lets everyone in by default.
-- Run once by the image, when its volume is empty. Development passwords: the server has no published port.

CREATE ROLE requests LOGIN PASSWORD 'requests';
CREATE DATABASE requests OWNER requests;
REVOKE ALL ON DATABASE requests FROM PUBLIC;

CREATE ROLE referrals LOGIN PASSWORD 'referrals';
CREATE DATABASE referrals OWNER referrals;
REVOKE ALL ON DATABASE referrals FROM PUBLIC;

CREATE ROLE reporting LOGIN PASSWORD 'reporting';
CREATE DATABASE reporting OWNER reporting;
REVOKE ALL ON DATABASE reporting FROM PUBLIC;

REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC;
