"""HTTP in: brokers and partners, referrals, activities."""
