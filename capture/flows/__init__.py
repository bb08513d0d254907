"""From packets to attempts: legs join to exchanges, exchanges to attempts, attempts become `capture.model.Flow`.

The order in which one packet passes: `legs` reads it, `assembly` joins it, `keyring` opens it, `sides` says whose
socket it came from, `traffic` adds the punches and streams around it, `judging` decides, `freezing` makes it showable.
"""
