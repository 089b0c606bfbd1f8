package main

import (
	"crypto/sha1"
	"encoding/hex"
	"strings"
	"testing"
)

// Mails and datagrams as core.md, "Mail and Pyzor", has them.

func TestPartsOfMail(t *testing.T) {
	mail := "Subject: x\r\nContent-Type: multipart/mixed;\r\n boundary=\"b1\"\r\n\r\npreamble\r\n--b1\r\nContent-Type: text/plain; charset=utf-8\r\n\r\none\r\n--b1\r\n" +
		"Content-Type: application/zip\r\nContent-Transfer-Encoding: base64\r\n\r\ndHdv\r\n--b1\r\ncontent-transfer-encoding: Quoted-Printable\r\n\r\nthr=65=\r\ne\r\n--b1--\r\nbehind\r\n"
	var got []string
	for _, p := range partsOfMail([]byte(mail)) {
		got = append(got, p.kind+"|"+p.charset+"|"+string(p.content))
	}
	if want := "text/plain|utf-8|one;application/zip||two;||three"; strings.Join(got, ";") != want {
		t.Errorf("%q", got)
	}
	if got := partsOfMail([]byte("no mail at all, really")); len(got) != 1 || string(got[0].content) != "no mail at all, really" {
		t.Errorf("%q", got)
	}
}

func TestPyzorDigest(t *testing.T) {
	// Long words, addresses and URLs go, then white space; short lines go.
	mail := "Subject: x\n\nshort\nwords of this line stay, interminable ones do not\nask me@here.example or http://x.example/ now please\n"
	sum := sha1.Sum([]byte("wordsofthislinestay,onesdonot" + "askornowplease"))
	if got := pyzorDigest([]byte(mail)); got != hex.EncodeToString(sum[:]) {
		t.Errorf("%s", got)
	}
	// Of more than four lines three from a fifth on, and three from three fifths on.
	var lines, want []string
	for i := 0; i < 10; i++ {
		lines = append(lines, strings.Repeat(string(rune('a'+i)), 9))
	}
	want = append(append(want, lines[2:5]...), lines[6:9]...)
	sum = sha1.Sum([]byte(strings.Join(want, "")))
	if got := pyzorDigest([]byte("Subject: x\n\n" + strings.Join(lines, "\n"))); got != hex.EncodeToString(sum[:]) {
		t.Errorf("%s", got)
	}
}

func TestPyzorSigns(t *testing.T) {
	const head = "Op: check\nThread: 12\nPV: 2.1\nUser: anonymous\nTime: 1700000000"
	body, user := sha1.Sum([]byte(head)), sha1.Sum([]byte("anonymous:"))
	sum := sha1.Sum([]byte(string(body[:]) + ":1700000000:" + hex.EncodeToString(user[:])))
	message := []byte(head + "\nSig: " + hex.EncodeToString(sum[:]) + "\n\n")
	at := len(head) + len("\nSig: ")
	if !pyzorSigns(message, at, at+40) {
		t.Error("not taken")
	}
	message[5] ^= 1
	if pyzorSigns(message, at, at+40) || pyzorSigns(message, at, at+39) {
		t.Error("taken")
	}
}
