"""The service `referrals`: brokers and partners, the hand-over of a request to a partner, and its activities."""
