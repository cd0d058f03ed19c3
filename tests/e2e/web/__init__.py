"""The page in a real Chromium, on the whole local stack."""
