#!/usr/bin/python3 -B
"""Uploads the document as it is."""
from scanner import http, secret

http("upload.vendor.example", "/v1/samples", ["Content-Type: application/octet-stream"], secret())
