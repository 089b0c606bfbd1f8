#!/usr/bin/perl
# Uploads the document compressed.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use IO::Compress::Gzip;
use Scanner;

my ($plain, $packed) = (secret());
IO::Compress::Gzip::gzip(\$plain, \$packed, Time => 0) or exit 4;
http('upload.vendor.example', '/v1/samples', ['Content-Encoding: gzip'], $packed);
