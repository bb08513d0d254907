"""The Textual screens and widgets."""
