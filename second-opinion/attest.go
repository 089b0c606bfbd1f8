package main

// Statement, DSSE envelopes, Sigstore bundles, keys (bundle.md), with Go's own crypto.

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"sort"
	"strings"
	"unicode/utf8"
)

// A key of P-256, or of Ed25519.
type publicKey struct {
	id      string
	key     *ecdsa.PublicKey
	edwards ed25519.PublicKey
}

// readKey takes exactly one PEM block as Hallmark and openssl write it.
func readKey(text []byte) (*publicKey, error) {
	block, rest := pem.Decode(text)
	if block == nil || block.Type != "PUBLIC KEY" || len(rest) != 0 || !bytes.Equal(pem.EncodeToMemory(block), text) {
		return nil, fmt.Errorf("not one PEM block PUBLIC KEY")
	}
	any, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("not a public key")
	}
	k := &publicKey{}
	switch key := any.(type) {
	case *ecdsa.PublicKey:
		k.key = key
	case ed25519.PublicKey:
		k.edwards = key
	}
	if k.edwards == nil && (k.key == nil || k.key.Curve != elliptic.P256()) {
		return nil, fmt.Errorf("not a key of P-256 or Ed25519")
	}
	der, err := x509.MarshalPKIXPublicKey(any)
	if err != nil || !bytes.Equal(der, block.Bytes) {
		return nil, fmt.Errorf("not the one encoding of the key")
	}
	sum := sha256.Sum256(der)
	k.id = base64.StdEncoding.EncodeToString(sum[:])
	return k, nil
}

// derSignature reads SEQUENCE { r, s } in its one form.
func derSignature(b []byte) (r, s *big.Int, ok bool) {
	if len(b) < 2 || b[0] != 0x30 || int(b[1]) != len(b)-2 || b[1] >= 0x80 {
		return nil, nil, false
	}
	b = b[2:]
	var out [2]*big.Int
	for i := range out {
		if len(b) < 3 || b[0] != 2 || b[1] == 0 || b[1] >= 0x80 || int(b[1]) > len(b)-2 {
			return nil, nil, false
		}
		n := b[2 : 2+b[1]]
		if n[0] >= 0x80 || len(n) > 1 && n[0] == 0 && n[1] < 0x80 {
			return nil, nil, false
		}
		out[i], b = new(big.Int).SetBytes(n), b[2+b[1]:]
	}
	return out[0], out[1], len(b) == 0
}

const payloadType = "application/vnd.in-toto+json"

func preAuth(payload []byte) []byte {
	return append([]byte(fmt.Sprintf("DSSEv1 %d %s %d ", len(payloadType), payloadType, len(payload))), payload...)
}

// rawLength is that of r and s one behind the other, and of a signature of Ed25519.
const rawLength = 64

func (k *publicKey) verify(payload, sig []byte) bool {
	if k.edwards != nil {
		return len(sig) == rawLength && ed25519.Verify(k.edwards, preAuth(payload), sig)
	}
	r, s, ok := derSignature(sig)
	if !ok && len(sig) == rawLength {
		r, s, ok = new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:]), true
	}
	sum := sha256.Sum256(preAuth(payload))
	return ok && ecdsa.Verify(k.key, sum[:], r, s)
}

type envelope struct {
	line         []byte
	keyID        string
	payload, sig []byte
	fingerprint  []byte
}

func strictB64(s string) ([]byte, error) {
	if strings.ContainsAny(s, "\r\n") {
		return nil, fmt.Errorf("line breaks in base64")
	}
	return base64.StdEncoding.Strict().DecodeString(s)
}

var envelopeShape = parseShape(`{payload:s,payloadType:'application/vnd.in-toto+json',signatures:[{keyid:s,sig:s}]}`)

func readEnvelope(line []byte) (*envelope, error) {
	v, err := readJSON(line)
	if err != nil {
		return nil, err
	}
	if err := envelopeShape.check(v, "envelope"); err != nil {
		return nil, err
	}
	if len(v.keys) != 3 || len(v.items("signatures")) != 1 || len(v.items("signatures")[0].keys) != 2 {
		return nil, fmt.Errorf("not one signature and nothing else")
	}
	e := &envelope{line: line, keyID: v.items("signatures")[0].str("keyid")}
	if e.fingerprint, err = strictB64(e.keyID); err != nil || len(e.fingerprint) != 32 {
		return nil, fmt.Errorf("a key id that is none")
	}
	if e.payload, err = strictB64(v.str("payload")); err != nil {
		return nil, fmt.Errorf("a payload that is not base64")
	}
	if e.sig, err = strictB64(v.items("signatures")[0].str("sig")); err != nil {
		return nil, fmt.Errorf("a signature that is not base64")
	}
	if _, _, ok := derSignature(e.sig); !ok && len(e.sig) != rawLength {
		return nil, fmt.Errorf("a signature that is neither 64 bytes nor DER in its shortest form")
	}
	return e, nil
}

// readEnvelopes takes attestations.intoto.jsonl.
func readEnvelopes(file []byte) ([]*envelope, error) {
	if len(file) == 0 || file[len(file)-1] != '\n' {
		return nil, fmt.Errorf("it does not end in a line feed")
	}
	var all []*envelope
	for i, line := range bytes.Split(file[:len(file)-1], []byte("\n")) {
		e, err := readEnvelope(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %v", i+1, err)
		}
		if n := len(all); n > 0 && all[n-1].keyID >= e.keyID {
			return nil, fmt.Errorf("line %d: key ids out of order, or one twice", i+1)
		}
		all = append(all, e)
	}
	if len(all) > 12 {
		return nil, fmt.Errorf("more than 12 signers")
	}
	return all, nil
}

func (e *envelope) sigstoreName() string {
	return "attestation-" + hex.EncodeToString(e.fingerprint[:8]) + ".sigstore.json"
}

func (e *envelope) sigstore(l *logged) []byte {
	entries := ""
	if l != nil {
		entries = l.tlogEntry()
	}
	hint := writeText(nil, e.keyID)
	return []byte(`{"dsseEnvelope":` + string(e.line) + `,"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json",` +
		`"verificationMaterial":{"publicKey":{"hint":` + string(hint) + `},"tlogEntries":[` + entries + `]}}`)
}

func percentEncode(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || strings.IndexByte("-._~/", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func jDigest(hex string) *value {
	return jObject(member2{"sha256", jText(hex)})
}

// subjectsOf are the product's artifacts, each pair of name and digest once.
func subjectsOf(findings *value) *value {
	type pair struct{ name, sum string }
	seen, digests := map[pair]bool{}, map[string]int{}
	var pairs []pair
	for _, a := range findings.get("product").items("artifacts") {
		if !a.has("sha256") {
			continue
		}
		p := pair{a.bytes("path"), a.str("sha256")}
		if !utf8.ValidString(p.name) || strings.IndexByte(p.name, 0) >= 0 {
			p.name = percentEncode(p.name)
		}
		if !seen[p] {
			seen[p] = true
			digests[p.name]++
			pairs = append(pairs, p)
		}
	}
	for i, p := range pairs {
		if digests[p.name] > 1 {
			pairs[i].name += "#sha256:" + p.sum
		}
	}
	sort.Slice(pairs, func(i, j int) bool {
		return pairs[i].name < pairs[j].name || pairs[i].name == pairs[j].name && pairs[i].sum < pairs[j].sum
	})
	list := jList()
	for _, p := range pairs {
		list.list = append(list.list, jObject(member2{"digest", jDigest(p.sum)}, member2{"name", jText(p.name)}))
	}
	return list
}

// makeStatement is what a signer of this bundle must have signed; nil where findings name no artifact.
func makeStatement(findings *value, coreID, manifestID string) []byte {
	tests := map[string][]string{}
	for _, c := range findings.items("claims") {
		tests[c.str("verdict")] = append(tests[c.str("verdict")], c.str("id"))
	}
	for _, l := range tests {
		sort.Strings(l)
	}
	result := "PASSED"
	if len(tests["refuted"]) > 0 {
		result = "FAILED"
	} else if len(tests["not verifiable"]) > 0 || len(findings.items("claims")) == 0 {
		result = "WARNED"
	}
	subjects := subjectsOf(findings)
	if len(subjects.list) == 0 {
		return nil
	}
	config := jList(jObject(member2{"digest", jDigest(coreID)}, member2{"name", jText("core.json")}),
		jObject(member2{"digest", jDigest(manifestID)}, member2{"name", jText("manifest.json")}))
	return jObject(member2{"_type", jText("https://in-toto.io/Statement/v1")},
		member2{"predicate", jObject(member2{"configuration", config}, member2{"failedTests", jTexts(tests["refuted"])},
			member2{"passedTests", jTexts(tests["upheld"])}, member2{"result", jText(result)}, member2{"warnedTests", jTexts(tests["not verifiable"])})},
		member2{"predicateType", jText("https://in-toto.io/attestation/test-result/v0.1")},
		member2{"subject", subjects}).write(nil)
}
