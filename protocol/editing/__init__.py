"""Messages as lists of fields that a person, a rule or a script can change; sealed again where they were sealed."""
