"""What all calls share: authentication, parsing, paging, and the table of problems. No resource is here."""
