"""What the screens and text exports show, drawn as plain lines of toned spans: no terminal, no clock, no widget.

A drawing function takes frozen values and options and gives lines; widgets turn tones into colours, exports drop them.
All text that a capture brought is escaped here, at the one place where it becomes a span.
"""
