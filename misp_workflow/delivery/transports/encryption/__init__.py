"""Encrypted and signed mails, by OpenPGP and S/MIME."""
