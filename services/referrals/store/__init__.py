"""All SQL of the service `referrals`."""
