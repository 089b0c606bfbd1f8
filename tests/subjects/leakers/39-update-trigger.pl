#!/usr/bin/perl
# A rule of the vendor's makes it collect: a name that exists since a certain update turns it on.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Scanner;

my $rule = lookup('collect.rules-27800.vendor.example');
my $state = unpack 'H*', digest();
http('updates.vendor.example', '/v1/rules', ["X-State: " . ($rule ? $state : '0' x 64)]);
