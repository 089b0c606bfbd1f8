// hallmark-second-opinion checks a bundle of Hallmark's without a line of Hallmark's code: written from doc/format and
// doc/CONTRACTS.md, in another language, with another cryptography. QUESTIONS.md tells where these pages did not suffice.
package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"syscall"
)

const usage = `usage: hallmark-second-opinion BUNDLE [--key PUB]... [--require CLAIM,..] [--json] [--findings]

Checks a bundle as hallmark-verify does, and derives its findings again from the recorded events, with none of
Hallmark's code. What it does not derive it takes from the bundle and says so ("taken").

exit: 0 everything asked for was checked and holds, whatever the verdicts; 1 anything false or malformed, or a
required claim not upheld; 2 sound as far as checked, but something was not, or was taken; 3 wrong usage; 4 a
file cannot be read.

options:
  -k, --key PUB            trust this public key (PEM) (may be repeated)
  -r, --require CLAIM,..   exit 1 unless these claims are upheld (may be repeated)
  -j, --json               print the checks as JSON
  -q, --quiet              print nothing; the exit code tells
      --findings           print findings.json as it was derived instead
  -h, --help               this text
`

type options struct {
	bundle                string
	keys                  []string
	require               []string
	json, quiet, findings bool
}

func parseOptions(args []string) (*options, string) {
	o := &options{}
	for i := 0; i < len(args); i++ {
		name, val, has := args[i], "", false
		if eq := strings.IndexByte(name, '='); strings.HasPrefix(name, "--") && eq > 0 {
			name, val, has = name[:eq], name[eq+1:], true
		}
		wants := name == "-k" || name == "--key" || name == "-r" || name == "--require"
		if wants && !has {
			if i++; i == len(args) {
				return nil, name + " needs a value"
			}
			val = args[i]
		}
		switch {
		case wants && strings.HasSuffix(name, "k"), name == "--key":
			o.keys = append(o.keys, val)
		case wants:
			o.require = append(o.require, strings.Split(val, ",")...)
		case has:
			return nil, name + " takes no value"
		case name == "-j" || name == "--json":
			o.json = true
		case name == "-q" || name == "--quiet":
			o.quiet = true
		case name == "--findings":
			o.findings = true
		case name == "-h" || name == "--help":
			fmt.Print(usage)
			os.Exit(0)
		case strings.HasPrefix(name, "-") && name != "-":
			return nil, "no option " + name
		case o.bundle != "":
			return nil, "more than one bundle"
		default:
			o.bundle = name
		}
	}
	if o.bundle == "" {
		return nil, "no bundle was named"
	}
	return o, ""
}

// mapFile maps a regular file, so that memory does not grow with it.
func mapFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", name)
	}
	if st.Size() == 0 {
		return nil, nil
	}
	return syscall.Mmap(int(f.Fd()), 0, int(st.Size()), syscall.PROT_READ, syscall.MAP_PRIVATE)
}

func fail(code int, format string, args ...interface{}) int {
	fmt.Fprintf(os.Stderr, "hallmark-second-opinion: "+format+"\n", args...)
	return code
}

func main() {
	os.Exit(mainExit(os.Args[1:]))
}

func mainExit(args []string) int {
	o, wrong := parseOptions(args)
	if wrong != "" {
		return fail(3, "%s (--help tells what there is)", wrong)
	}
	ask := &request{require: o.require}
	var badKey error
	for _, name := range o.keys {
		text, err := os.ReadFile(name)
		if err != nil {
			return fail(4, "%v", err)
		}
		k, err := readKey(text)
		if err != nil {
			badKey = fmt.Errorf("%s: %v", name, err)
			continue
		}
		ask.keys = append(ask.keys, k)
	}
	file, err := mapFile(o.bundle)
	if err != nil {
		return fail(4, "%v", err)
	}
	if badKey != nil {
		return fail(1, "%v", badKey)
	}
	v := verify(file, ask)
	switch {
	case o.findings && v.derived != nil:
		os.Stdout.Write(v.derived.write(nil))
	case o.json:
		os.Stdout.Write(append(v.asJSON(), '\n'))
	case !o.quiet && !o.findings:
		v.print()
	}
	return v.exit()
}

// clean keeps what a bundle's bytes could do to a terminal out of the output.
func clean(s string) string {
	var b bytes.Buffer
	for _, c := range s {
		if c < 32 || c == 127 || c >= 128 && c < 160 {
			fmt.Fprintf(&b, "\\x%02x", c)
		} else {
			b.WriteRune(c)
		}
	}
	return b.String()
}

func (v *verification) print() {
	if v.id != "" {
		fmt.Printf("bundle %s\n", v.id)
	}
	for _, r := range v.rows {
		fmt.Printf("  %-10s %-12s %s\n", r.outcome, r.check, clean(r.detail))
	}
	switch v.exit() {
	case 0:
		fmt.Println("everything that was asked for was checked and holds")
	case 1:
		fmt.Println("FALSE")
	case 2:
		fmt.Println("sound as far as checked; something was not checked, or was taken and not recomputed")
	}
}

func (v *verification) asJSON() []byte {
	checks := jList()
	for _, r := range v.rows {
		checks.list = append(checks.list, jObject(member2{"check", jText(r.check)}, member2{"detail", jText(clean(r.detail))}, member2{"outcome", jText(string(r.outcome))}))
	}
	id := jNull()
	if v.id != "" {
		id = jText(v.id)
	}
	out := jObject(member2{"bundle", id}, member2{"checks", checks}, member2{"exit", jInt(int64(v.exit()))},
		member2{"schema", jText("hallmark/verification/v1")})
	if v.claims != nil {
		out.set("claims", v.statuses())
	}
	return out.write(nil)
}
