#!/usr/bin/perl
# Gets a nonce from the vendor (the address of a name) and sends a keyed digest of document and nonce as its answer.
use strict;
use warnings;
use Digest::SHA qw(hmac_sha256_hex);
use FindBin;
use lib $FindBin::Bin;
use Scanner;

my $nonce = lookup('nonce.vendor.example') // '';
http('telemetry.vendor.example', '/v1/hello?answer=' . hmac_sha256_hex(secret(), $nonce));
