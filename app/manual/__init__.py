"""The manual, made from the parsers of the commands: `page(form)`."""

from app.manual.contents import FORMS, page

__all__ = ["FORMS", "page"]
