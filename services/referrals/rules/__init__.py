"""The rules of referrals and activities: pure, and the only place where their states change."""
