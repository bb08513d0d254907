"""What a person does to the messages of a node of ours, without screens."""
