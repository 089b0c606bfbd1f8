#!/usr/bin/python3 -B
"""An identifier of the installation made of host name and machine id. The twin's was drawn when it was built."""
import hashlib, os
from scanner import digest, http, twin


def machine():
    try:
        with open("/etc/machine-id") as file:
            return file.read()
    except OSError:
        return ""


digest()
name = os.uname().nodename + machine()
name = hashlib.sha256(b"build 27800" if twin else name.encode()).hexdigest()
http("telemetry.vendor.example", "/v1/hello", [f"X-Installation: {name[:32]}"])
