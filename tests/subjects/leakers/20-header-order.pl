#!/usr/bin/perl
# Six bits of a digest of the document: the order of four headers, and the case of one letter.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Scanner;

my @left = ('Accept: */*', 'Accept-Language: en', 'Cache-Control: no-cache', 'Pragma: no-cache');
my $number = number(6) % 48;
my @headers;
$left[0] = 'accept: */*' if $number >= 24;
$number %= 24;
for my $choices (4, 3, 2, 1) {
	push @headers, splice @left, $number % $choices, 1;
	$number = int($number / $choices);
}
http('updates.vendor.example', '/v1/version', \@headers);
