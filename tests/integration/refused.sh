#!/bin/bash
# A product that trusts one authority alone: as it is it refuses the chamber's certificate, which is a bundle of its own; in the form that its
# declaration names it is assessed again, and then it is seen what it sends.
#   refused.sh BUILD
set -u
hallmark=$(realpath "$1/hallmark") verify=$(realpath "$1/hallmark-verify")
. "$(dirname "$0")/../support/chamber.sh" refused
"$hallmark" keygen "$work/key.pem" >/dev/null || exit 1
# What it is started with is seen by it alone: the work folder is empty in the chamber, so the command has all of it.
other=$(openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /dev/null -subj /CN=other 2>/dev/null)
product="echo '$other' >/tmp/own.pem
for f in {target}/*.txt; do curl -sS --capath /nonexistent --cacert \"\${VENDOR_CA:-/tmp/own.pem}\" --data-binary @\$f https://cloud.example/scan; done"
declare_it() { printf 'product: bash\nauthor: assessor\nsource: a test\n%s\n' "$1" >"$work/declaration.yaml"; }
assess() { # NAME OPTION...
	local name=$1
	shift
	timeout 120 "$hallmark" assess --key "$work/key.pem" --declaration "$work/declaration.yaml" --json -o "$work/$name.hallmark" "$@" -- bash -c "$product" >"$work/$name.json" 2>"$work/$name.err"
}
ask() { # NAME EXPRESSION: of the findings `f`, the parts `part` and the claims `c` of the bundle, must be true
	/usr/bin/python3 -c "
import hashlib, json, sys, zipfile
part = lambda name, of=sys.argv[1]: json.loads(zipfile.ZipFile(of).read(name))
digest = lambda of: 'sha256:' + hashlib.sha256(zipfile.ZipFile(of).read('plan.json')).hexdigest()
f = part('findings.json')
c = {r['id']: (r['verdict'], r['reason']) for r in f['claims']}
sys.exit(0 if $2 else 1)" "$work/$1.hallmark"
}
declare_it ''
assess silent
result "$(ask silent "c['collect.encrypted'] == ('not verifiable', 'tls.refused') and c['collect.content'][0] == 'not verifiable'"; echo $?)" "what refuses is not verifiable"
result "$(grep -q 'broke off 1 TLS handshake though' "$work/silent.err"; echo $?)" "... and that is said"
assess asked --authorities
result "$([ $? = 3 ]; echo $?)" "--authorities without a form is refused"

declare_it 'authorities: {environment: [{name: VENDOR_CA, value: "{authorities}"}]}'
assess again
result "$(ask again.refused "c['collect.encrypted'] == ('not verifiable', 'tls.refused') and 'authorities' not in f['experiment']"; echo $?)" "as it is: a bundle of its own"
result "$(ask again "c['collect.content'] == ('refuted', 'content.token') and c['collect.encrypted'][0] == 'upheld'"; echo $?)" "in the declared form it is seen what it sends"
result "$(ask again "c['collect.authenticated'] == ('upheld', 'certificate.refused')"; echo $?)" "... and wrong certificates are refused there too"
result "$(ask again "f['experiment']['authorities'] == {'after': digest('$work/again.refused.hallmark'), 'by': ['environment']}"; echo $?)" "plan and findings name the form and the first plan"
result "$(grep -q 'refused the chamber.s certificate: .*again.refused.hallmark' "$work/again.err"; echo $?)" "... and that is said"
for name in again again.refused; do
	"$verify" "$work/$name.hallmark" --key "$work/key.pem.pub" >"$work/said"
	result "$([ $? = 2 ] && ! grep -q FALSE "$work/said"; echo $?)" "$name is sound"
done
[ $failed = 0 ] || sed 's/^/# /' "$work"/*.err

# What cannot be written is told before anything runs.
timeout 60 "$hallmark" assess --key "$work/key.pem" -o "$work/none/x.hallmark" -- true 2>"$work/said"
result "$([ $? = 4 ] && grep -q "before anything runs: folder .*none" "$work/said"; echo $?)" "a folder that is not there"
timeout 60 "$hallmark" assess --key "$work/key.pem" -o "$work/w" -- true 2>"$work/said"
result "$([ $? = 4 ] && grep -q 'it is a folder' "$work/said"; echo $?)" "... or a folder in place of the bundle"
echo "1..$n"
exit $failed
