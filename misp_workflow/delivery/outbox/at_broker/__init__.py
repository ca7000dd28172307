"""What the outbox of many machines is made of: envelopes, their way through queues, and the two brokers."""
