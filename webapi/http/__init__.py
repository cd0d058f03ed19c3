"""What every call shares: who calls, bodies within bounds, pages, the one table of problems. None is answered here."""
