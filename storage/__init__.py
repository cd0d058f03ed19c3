"""Object storage: key layout, clients, presigning, verification, publishing. boto3 and m3u8 are used only here."""
