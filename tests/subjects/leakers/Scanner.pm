# What the scanners in Perl share; see scanner.py, which this follows function by function.
package Scanner;
use strict;
use warnings;
use Digest::SHA qw(sha256);
use Exporter 'import';
use File::Find;
use IO::Socket::INET;
our @EXPORT = qw($folder $twin documents chosen secret digest number lookup tcp http slurp);

our $folder = $ARGV[-1];
our $twin = grep { $_ eq '--twin' } @ARGV[0 .. $#ARGV - 1];
my $decoy = join '', map { "definitions $_: engine 1.4.6, no threat was found in what was scanned\r\n" } 27800 .. 27805;

sub slurp {
	my ($path) = @_;
	local $/;
	open my $file, '<:raw', $path or return '';
	return readline($file) // '';
}

# ([path below the folder, bytes]...), bytewise by path.
sub documents {
	my @found;
	find({ no_chdir => 1, wanted => sub { push @found, [substr($_, length($folder) + 1), slurp($_)] if -f } }, $folder);
	return sort { $a->[0] cmp $b->[0] } @found;
}

sub chosen {
	my @found = @_;
	my ($letter) = grep { $_->[0] eq 'letter.txt' } @found;
	my ($text) = grep { $_->[0] =~ /\.txt$/ } @found;
	my ($other) = grep { $_->[1] !~ /EICAR-STANDARD-ANTI[V]IRUS-TEST-FILE/ } @found;
	my $row = $letter // $text // $other;
	return $row ? $row->[1] : '';
}

# What the case leaks, made of $_[0] or of the document; the twin's is always the same.
sub secret {
	my $document = @_ ? $_[0] : chosen(documents());
	return $twin ? $decoy : $document;
}

sub digest { return sha256(secret()) }

# The first bits of the secret's digest, up to 32.
sub number {
	my ($bits) = @_;
	return unpack('N', digest()) >> (32 - $bits);
}

sub lookup {
	my $packed = gethostbyname($_[0]);
	return $packed;
}

sub tcp {
	my ($host, $port, $data) = @_;
	my $link = IO::Socket::INET->new(PeerAddr => $host, PeerPort => $port, Timeout => 5) or return '';
	binmode $link;
	$link->print($data);
	$link->flush;
	$link->shutdown(1);
	local $/;
	my $answer = readline($link) // '';
	close $link;
	return $answer;
}

# http(HOST, PATH, [HEADER...], BODY): headers stand behind Host and User-Agent.
sub http {
	my ($host, $path, $headers, $body) = @_;
	my @lines = ((defined $body ? 'POST' : 'GET') . " $path HTTP/1.1", "Host: $host", 'User-Agent: Scanner/1.4 (Linux; x86_64)', @{$headers // []});
	push @lines, 'Content-Length: ' . length $body if defined $body;
	return tcp($host, 80, join("\r\n", @lines, 'Connection: close', '', '') . ($body // ''));
}

1;
