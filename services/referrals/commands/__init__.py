"""What others ask `referrals` to do: each command loads, and lets a rule decide."""
