package main

// Receipts of a log (log.md): the entry is made again and its proof followed to the root of the checkpoint, by golang.org/x/mod/sumdb. Whose log it
// is, and who cosigned, takes a policy, which this program does not read.

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const spkiLength = 91

// What follows from a receipt and the entry that it is for.
type logged struct {
	index, size int64
	hashes      []string
	root        string
	note        string
	id          []byte // of the log's key, as the first signature under the origin's name has it
	entry       string
}

var (
	receiptForm    = regexp.MustCompile(`(?s)^c2sp\.org/tlog-proof@v1\n(?:extra ([A-Za-z0-9+/=]+)\n)?index (0|[1-9][0-9]{0,18})\n((?:[A-Za-z0-9+/=]{44}\n)*)\n(.+)$`)
	checkpointForm = regexp.MustCompile(`^([^\n]+)\n(0|[1-9][0-9]{0,18})\n([A-Za-z0-9+/=]{44})\n(?:[^\n]+\n)*$`)
)

func b64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

func readHash(s string) (h tlog.Hash, err error) {
	b, err := strictB64(s)
	if err != nil || len(b) != tlog.HashSize {
		return h, fmt.Errorf("a hash that is none")
	}
	copy(h[:], b)
	return h, nil
}

// readReceipt gives what it says, and its extra.
func readReceipt(text []byte) (*logged, tlog.RecordProof, tlog.Hash, []byte, error) {
	var root tlog.Hash
	fail := func(why string) (*logged, tlog.RecordProof, tlog.Hash, []byte, error) {
		return nil, nil, root, nil, fmt.Errorf("a receipt %s", why)
	}
	m := receiptForm.FindStringSubmatch(string(text))
	if m == nil || len(text) > 128<<10 || strings.Count(m[3], "\n") > 63 {
		return fail("that is none")
	}
	extra, err := strictB64(m[1])
	if err != nil {
		return fail("whose extra is not base64")
	}
	l := &logged{note: m[4]}
	if l.index, err = strconv.ParseInt(m[2], 10, 64); err != nil {
		return fail("whose index is none")
	}
	var proof tlog.RecordProof
	for _, line := range strings.Fields(m[3]) {
		h, err := readHash(line)
		if err != nil {
			return fail("whose proof is none")
		}
		proof, l.hashes = append(proof, h), append(l.hashes, line)
	}
	// Nobody is known here: a note in form is one that nobody is known to have signed.
	_, err = note.Open([]byte(l.note), note.VerifierList())
	open, ok := err.(*note.UnverifiedNoteError)
	if !ok || len(l.note) > 65536 || len(open.Note.UnverifiedSigs) > 64 {
		return fail("whose checkpoint is no note")
	}
	head := checkpointForm.FindStringSubmatch(open.Note.Text)
	if head == nil {
		return fail("whose checkpoint is none")
	}
	if l.size, err = strconv.ParseInt(head[2], 10, 64); err != nil {
		return fail("whose size is none")
	}
	if root, err = readHash(head[3]); err != nil {
		return fail("whose root is none")
	}
	l.root, l.id = head[3], make([]byte, 4)
	for _, s := range open.Note.UnverifiedSigs {
		if s.Name == head[1] {
			blob, _ := base64.StdEncoding.DecodeString(s.Base64)
			copy(l.id, blob)
			break
		}
	}
	return l, proof, root, extra, nil
}

func makeEntry(head, tail string, digest [32]byte, sig, spki []byte) string {
	return head + `"data":{"algorithm":"SHA2_256","digest":"` + b64(digest[:]) + `"},"signature":{"content":"` + b64(sig) +
		`","verifier":{"keyDetails":"PKIX_ECDSA_P256_SHA_256","publicKey":{"rawBytes":"` + b64(spki) + `"}}}` + tail
}

func (l *logged) place(proof tlog.RecordProof, root tlog.Hash) error {
	if l.index >= l.size || tlog.CheckRecord(proof, l.size, root, l.index, tlog.RecordHash([]byte(l.entry))) != nil {
		return fmt.Errorf("a receipt whose proof does not lead to the root of its checkpoint")
	}
	return nil
}

func (e *envelope) receiptName() string {
	return strings.Replace(e.sigstoreName(), ".sigstore.json", ".tlog-proof", 1)
}

// logged reads the receipt of an envelope.
func (e *envelope) logged(text []byte) (*logged, error) {
	l, proof, root, spki, err := readReceipt(text)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(spki)
	if len(spki) != spkiLength || !bytes.Equal(sum[:], e.fingerprint) {
		return nil, fmt.Errorf("a receipt whose extra is not the signer's key")
	}
	l.entry = makeEntry(`{"apiVersion":"0.0.2","kind":"hashedrekord","spec":{"hashedRekordV002":{`, "}}}", sha256.Sum256(preAuth(e.payload)), e.sig, spki)
	return l, l.place(proof, root)
}

// checkPlan reads plan.tlog-proof.
func checkPlanReceipt(text, plan []byte, all []*envelope) error {
	l, proof, root, extra, err := readReceipt(text)
	if err != nil {
		return err
	}
	if len(extra) <= spkiLength {
		return fmt.Errorf("a receipt without a key and its signature")
	}
	spki, sig := extra[:spkiLength], extra[spkiLength:]
	key, err := readKey(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki}))
	if err != nil {
		return err
	}
	signed := false
	for _, e := range all {
		signed = signed || e.keyID == key.id
	}
	r, s, ok := derSignature(sig)
	const planType = "application/vnd.hallmark.plan+json"
	sum := sha256.Sum256(append([]byte(fmt.Sprintf("DSSEv1 %d %s %d ", len(planType), planType, len(plan))), plan...))
	if !signed || !ok || !ecdsa.Verify(key.key, sum[:], r, s) {
		return fmt.Errorf("a plan that no signer of this bundle signed")
	}
	if der, err := x509.MarshalPKIXPublicKey(key.key); err != nil || !bytes.Equal(der, spki) {
		return fmt.Errorf("a key in another form")
	}
	l.entry = makeEntry(`{"apiVersion":"1","kind":"hallmark.plan","spec":{`, "}}", sha256.Sum256(plan), sig, spki)
	return l.place(proof, root)
}

// tlogEntry is what a Sigstore bundle says of it.
func (l *logged) tlogEntry() string {
	quoted := strings.NewReplacer("\\", `\\`, `"`, `\"`, "\n", `\n`).Replace(l.note)
	hashes := ""
	if len(l.hashes) > 0 {
		hashes = `"` + strings.Join(l.hashes, `","`) + `"`
	}
	return fmt.Sprintf(`{"canonicalizedBody":"%s","inclusionProof":{"checkpoint":{"envelope":"%s"},"hashes":[%s],"logIndex":"%d","rootHash":"%s","treeSize":"%d"},`+
		`"integratedTime":"0","kindVersion":{"kind":"hashedrekord","version":"0.0.2"},"logId":{"keyId":"%s"},"logIndex":"%d"}`,
		b64([]byte(l.entry)), quoted, hashes, l.index, l.root, l.size, b64(l.id), l.index)
}

func (v *verification) checkLog(all []*envelope) {
	n := 0
	for _, m := range v.b.members {
		if strings.HasPrefix(m.name, "attestation-") && strings.HasSuffix(m.name, ".tlog-proof") {
			n++
		}
	}
	found := n
	for _, e := range all {
		if text, ok := v.b.part[e.receiptName()]; ok {
			n--
			if _, err := e.logged(text); err != nil {
				v.say("log", isFalse, "%s: %v", e.receiptName(), err)
				return
			}
		}
	}
	plan, ok := v.b.part["plan.tlog-proof"]
	var err error
	if ok {
		err = checkPlanReceipt(plan, v.b.part["plan.json"], all)
	}
	if n != 0 {
		v.say("log", isFalse, "there are receipts without an envelope")
	} else if err != nil {
		v.say("log", isFalse, "plan.tlog-proof: %v", err)
	} else if found == 0 && !ok {
		v.say("log", unchecked, "no log material: nothing shows that this was the only attempt")
	} else {
		v.say("log", unchecked, "receipts hold together; this program reads no policy of logs and witnesses: nothing shows that others see this log")
	}
}
