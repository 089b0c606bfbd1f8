#!/bin/bash
# A whole log, read by a program on golang.org/x/mod/sumdb (Debian's golang-go and golang-golang-x-mod-dev): log.sh HALLMARK SOURCE
set -u
hallmark=$(realpath "$1") source=$2
export GO111MODULE=off GOPATH=/usr/share/gocode GOFLAGS= GOTOOLCHAIN=local
command -v go >/dev/null && [ -d "$GOPATH/src/golang.org/x/mod/sumdb/tlog" ] || {
	echo "1..0 # SKIP no Go, or not its package golang.org/x/mod (scripts/setup test)"
	exit 0
}
work=$(mktemp -d /tmp/hallmark-go-XXXXXX)
trap 'rm -rf "$work"' EXIT
export GOCACHE=$work/cache HOME=$work
number=0 failed=0
result() { # STATUS NAME
	number=$((number + 1))
	if [ "$1" = 0 ]; then echo "ok $number - $2"; else echo "not ok $number - $2"; failed=1; fi
}
cd "$work" || exit 1
cp "$source/tests/interop/log.go" . && go build -o check log.go 2>&1 | sed 's/^/# /'
[ -x check ]; result $? "the program builds"
"$hallmark" keygen --log log.example/go key >/dev/null
"$hallmark" log create log --key key
for n in 1 1 5 248 1 300 77; do
	seq 1 $n | sed "s/^/$n /" | "$hallmark" log append log --key key --lines --quiet -
done
said=$(./check log "$(cat key.pub)"); status=$?
echo "# $said"
result $status "it finds the log of 633 entries whole"
[[ $said == "633 entries"* ]]; result $? "and counts them"
: >empty && "$hallmark" log append log --key key --quiet empty
said=$(./check log "$(cat key.pub)"); result $? "an empty entry is one"
refuses() { # NAME COMMAND
	cp -a log altered
	(cd altered && eval "$2")
	said=$(./check altered "$(cat key.pub)")
	[ $? = 1 ]; result $? "it refuses $1"
	echo "# $said"
	rm -rf altered
}
flip="conv=notrunc bs=1 count=1 status=none"
refuses "an altered entry" "printf X | dd of=tile/entries/001 seek=700 $flip"
refuses "an altered tile" "printf X | dd of=tile/0/000 seek=700 $flip"
refuses "an altered upper tile" "printf X | dd of=tile/1/000.p/2 seek=3 $flip"
refuses "an altered size" "sed -i 2s/634/633/ checkpoint"
refuses "an altered signature" "sed -i '5s/.....\$/AAAA=/' checkpoint"
refuses "a missing bundle" "rm tile/entries/000"
# What it signs can be signed by Go too: the key file is Go's.
cat >sign.go <<'GO'
package main

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

func main() {
	key, _ := os.ReadFile(os.Args[1])
	signer, err := note.NewSigner(strings.TrimSpace(string(key)))
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	text, _ := os.ReadFile(os.Args[2])
	out, err := note.Sign(&note.Note{Text: strings.SplitAfter(string(text), "\n\n")[0][:strings.Index(string(text), "\n\n")+1]}, signer)
	if err != nil || string(out) != string(text) {
		fmt.Println("another note", err)
		os.Exit(1)
	}
}
GO
go build -o sign sign.go 2>&1 | sed 's/^/# /'
./sign key log/checkpoint; result $? "with the same key it signs the checkpoint to the same bytes"
echo "1..$number"
exit $failed
