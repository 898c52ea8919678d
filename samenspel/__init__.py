"""The operator's command `samenspel`: it speaks to the services and to Kafka through their public interfaces only."""
