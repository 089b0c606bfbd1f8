#!/bin/sh
# The report in a real browser: look.sh SAMPLE [FOLDER]. SAMPLE prints a page. No request leaves the page, its policy refuses
# nothing that the page needs, and nothing is wider than the window, on a desk and on a telephone. With FOLDER the pictures
# stay there to be looked at.
sample=$1
pictures=$2
chromium=$(command -v chromium || command -v chromium-browser)
echo 1..14
if [ -z "$chromium" ]; then
	for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14; do echo "ok $n # SKIP there is no chromium"; done
	exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
number=0

result() { # WHAT, then a command: whether it holds
	what=$1
	shift
	number=$((number + 1))
	if "$@"; then echo "ok $number - $what"; else echo "not ok $number - $what"; failed=1; fi
}

browse() { # a private browser that talks to nobody by itself
	timeout 120 "$chromium" --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking \
		--disable-component-update --disable-sync --disable-extensions --disable-default-apps --no-proxy-server \
		--allow-file-access-from-files --user-data-dir="$work/profile" "$@" 2>>"$work/browser.log"
}

# A page around the page, with the one script: it opens every <details> in a frame of the asked width and measures.
wrap() {
	cat <<PAGE
<!doctype html><title>measuring</title><body><iframe src="page.html" width="$1" height="900"></iframe><script>
document.querySelector('iframe').onload = (e) => {
	const d = e.target.contentDocument, root = d.documentElement;
	d.querySelectorAll('details').forEach((x) => { x.open = true; });
	const wide = [...d.querySelectorAll('body *')].filter((x) => !x.closest('.scroll, pre, .line') &&
		x.getBoundingClientRect().right > root.clientWidth + 1);
	document.title = ['measured', root.clientWidth, root.scrollWidth, wide.length, d.title.length > 0,
		d.querySelectorAll('script, img, link, iframe, object, embed').length].join(' ');
	document.body.textContent = document.title + ' ' + wide.slice(0, 5).map((x) => x.outerHTML.slice(0, 120)).join(' | ');
};
</script>
PAGE
}

measure() { # WIDTH: prints what the page around it found
	wrap "$1" >"$work/around.html"
	browse --window-size=1400,1000 --virtual-time-budget=5000 --dump-dom "file://$work/around.html" | grep -o 'measured [^<]*' | tail -1
}

fits() { # WIDTH
	found=$(measure "$1")
	echo "# $found"
	set -- "$1" $found
	[ "$2" = measured ] && [ "$4" -le "$3" ] && [ "$5" = 0 ]
}

# What the browser says of a page: what its policy refused, and which requests a page (not the browser itself) began.
visit() { # PAGE PICTURE SIZE [OPTION]
	rm -f "$work/browser.log" "$work/net.json"
	browse --window-size="$3" --hide-scrollbars --enable-logging=stderr --log-net-log="$work/net.json" --screenshot="$2" \
		${4:+"$4"} "file://$1" >/dev/null
	[ -s "$2" ] && [ -s "$work/net.json" ]
}
refused() { grep -q 'Content Security Policy' "$work/browser.log"; }
asked() { grep '"initiator":"file://' "$work/net.json" | grep -q '"url":"http'; }
not() { ! "$@"; }

"$sample" >"$work/page.html" || exit 1
result "the page is written" test -s "$work/page.html"
for width in 1280 390; do
	result "nothing is wider than the window at $width" fits $width
done
"$sample" pairs >"$work/page.html" || exit 1
for width in 1280 390; do
	result "nor is that of an experiment at $width" fits $width
done
visit_pairs() { visit "$work/page.html" "${pictures:-$work}/pairs.png" 1280,3600; }
result "that of an experiment is drawn" visit_pairs
result "the policy refuses nothing of it" not refused
[ -z "$pictures" ] || cp "$work/page.html" "$pictures/pairs.html"
"$sample" >"$work/page.html" || exit 1
set -- $(measure 390)
result "the page has a title" test "$5" = true
result "the page holds no element that loads or runs" test "$6" = 0

sed 's|<main>|<main><img src="http://leak.invalid/x">|' "$work/page.html" >"$work/leaks.html"
sed 's|<meta http-equiv[^>]*>||' "$work/leaks.html" >"$work/bare.html"
visit "$work/bare.html" "$work/bare.png" 800,600
result "a request would be seen" asked
visit "$work/leaks.html" "$work/leaks.png" 800,600
result "the page's policy stops a request, and says so" refused
result "no request leaves even then" not asked
visit "$work/page.html" "${pictures:-$work}/desk.png" 1280,3600
result "the policy refuses nothing of the page" not refused
result "no request leaves the page" not asked
if [ -n "$pictures" ]; then
	cp "$work/page.html" "$pictures/page.html"
	wrap 390 | sed 's/height="900"/height="3600" style="border:0"/; s/document.body.textContent = /window.found = /' >"$work/around.html"
	visit "$work/around.html" "$pictures/telephone.png" 500,3600
	visit "$work/page.html" "$pictures/dark.png" 1280,3600 --blink-settings=preferredColorScheme=0
fi
exit $failed
