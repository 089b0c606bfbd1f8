#!/usr/bin/python3 -B
"""Checks for updates twice; two bits of a digest of the document say how long it waits between: 50, 250, 450 or 650 ms. The twin
draws the wait."""
import os, time
from scanner import http, number, twin

wait = os.urandom(1)[0] % 4 if twin else None
bits = number(2)
http("updates.vendor.example", "/v1/version")
time.sleep(0.05 + 0.2 * (bits if wait is None else wait))
http("updates.vendor.example", "/v1/version")
