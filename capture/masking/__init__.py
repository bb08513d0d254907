"""Masking: captures that can be shown to others, with addresses and keys replaced consistently by others."""
