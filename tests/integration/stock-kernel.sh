#!/bin/bash
# Boots Debian 12's stock kernel in QEMU and assesses clamscan there: the recorder must load, attach and miss nothing on the
# oldest kernel that Hallmark promises (6.1), not only on the one that builds it. The bundle that the guest made is then
# verified outside. Software emulation, so that it runs the same everywhere; about a minute.
#
#   stock-kernel.sh BUILD SOURCE [PRODUCT [OUT]]
#
# With PRODUCT another product is assessed (pyzor, freshclam); with OUT its bundle and the public key are kept there: this is
# how tests/golden was made, so that a bundle for everybody carries nothing of anybody's machine.
set -euo pipefail
build=$(realpath "$1") source=$(realpath "$2") product=${3:-clamscan} out=${4:-}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/hallmark-test

skip() { echo "1..0 # SKIP $*"; exit 0; }
say() { echo "# $*"; }
ok() { echo "ok $((++n)) - $*"; }
bad() { echo "not ok $((++n)) - $*"; failed=1; }
n=0 failed=0

for tool in qemu-system-x86_64 busybox mke2fs cpio clamscan debugfs; do
	command -v "$tool" >/dev/null || skip "$tool is not installed (scripts/setup test run)"
done
package=$(apt-cache depends linux-image-amd64 2>/dev/null | awk '/Depends: linux-image/ { print $2; exit }')
mkdir -p "$cache"
deb=$(find "$cache" -name 'linux-image-6*_amd64.deb' | sort | tail -n 1)
if [ -z "$deb" ]; then
	[ -n "$package" ] || skip "no linux-image-amd64 in apt's lists, and none in $cache"
	(cd "$cache" && apt-get download -o APT::Sandbox::User=root "$package" >/dev/null 2>&1) || skip "$package cannot be downloaded"
	deb=$(find "$cache" -name 'linux-image-6*_amd64.deb' | sort | tail -n 1)
fi

work=$(mktemp -d /var/tmp/hallmark-stock-XXXXXX)
trap 'rm -rf "$work"' EXIT
dpkg-deb -x "$deb" "$work/kernel"
release=$(ls "$work/kernel/lib/modules")

# A root with just what is needed: the programs, their libraries, the two packages' files and dpkg's word on them.
root=$work/root
mkdir -p "$root"/{dev,proc,sys,tmp,run,root,out,etc,usr/bin,usr/sbin,usr/lib,usr/lib64,var/tmp,var/lib/dpkg/info,usr/share/hallmark}
for name in bin sbin lib lib64; do ln -s "usr/$name" "$root/$name"; done # usr-merged, as Debian 12 is
libraries() { ldd "$1" 2>/dev/null | grep -o '/[^ ]*' || true; }
copy() { # programs and the libraries they link against, links as links: dpkg knows files by their real names
	local file
	for file in "$@" $(for file in "$@"; do libraries "$file"; done); do
		printf '%s\n' "$file" "$(realpath "$file")"
	done | sed 's,^/,,' | sort -u | tar cf - -C / --no-recursion -T - | tar xf - -C "$root" --keep-directory-symlink
}
copy /usr/bin/clamscan
programs=/usr/bin/clamscan
if [ "$product" = pyzor ]; then
	for name in pyzor python3-minimal python3.11-minimal libpython3.11-minimal libpython3.11-stdlib; do
		# shellcheck disable=SC2046
		copy $(dpkg -L "$name" | while read -r file; do [ -d "$file" ] || [[ $file == /usr/share/* ]] || echo "$file"; done)
	done
	# The compiled modules are made when a package is installed, and no package lists them.
	find /usr/lib/python3.11 /usr/lib/python3/dist-packages/pyzor -name '*.pyc' | sed 's,^/,,' | tar cf - -C / -T - | tar xf - -C "$root" --keep-directory-symlink
	programs="/usr/bin/pyzor /usr/bin/python3.11 $(dpkg -L libpython3.11-minimal libpython3.11-stdlib | grep '\.so$')"
fi
cp "$build/hallmark" "$root/usr/bin/hallmark"
# shellcheck disable=SC2046
copy $(libraries "$build/hallmark")
cp -r "$source/data/." "$root/usr/share/hallmark/"
cp -r --parents /usr/share/clamav-testfiles "$root/"
cp /bin/busybox "$root/bin/busybox"
for applet in sh mount mkdir ls cat echo poweroff modprobe insmod ip sleep sync uname; do ln -sf busybox "$root/bin/$applet"; done
echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
echo 'root:x:0:' >"$root/etc/group"
cp /etc/nsswitch.conf "$root/etc/" 2>/dev/null || true
cp /var/lib/dpkg/status "$root/var/lib/dpkg/"
# Only packages whose files were copied whole enough to describe: those that own the program and its libraries.
for file in $programs; do echo "$file"; libraries "$file"; done | while read -r file; do
	dpkg -S "$(realpath "$file")" 2>/dev/null || dpkg -S "$file" 2>/dev/null || true
done | sed 's/:.*//' | { cat; [ "$product" != pyzor ] || printf '%s\n' pyzor {,lib}python3.11-minimal libpython3.11-stdlib; } | sort -u | while read -r owner; do
	for list in /var/lib/dpkg/info/"$owner".{list,md5sums} /var/lib/dpkg/info/"$owner":amd64.{list,md5sums}; do
		[ ! -e "$list" ] || cp "$list" "$root/var/lib/dpkg/info/"
	done
done
sed "s/PRODUCT/$product/" >"$root/sbin/init" <<'INIT'
#!/bin/sh
export PATH=/usr/bin:/usr/sbin:/bin:/sbin HALLMARK_DATA=/usr/share/hallmark
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2>/dev/null
mkdir -p /dev/pts /dev/shm
mount -t devpts pts /dev/pts
mount -t cgroup2 none /sys/fs/cgroup
ip link set lo up
uname -r >/out/kernel
hallmark doctor >/out/doctor 2>&1
echo $? >/out/doctor.exit
hallmark doctor --chamber >/out/self-test 2>&1
echo $? >/out/self-test.exit
hallmark keygen /out/key.pem >/dev/null 2>&1
hallmark assess --product PRODUCT --key /out/key.pem -o /out/product.hallmark --quiet >/out/assess 2>&1
echo $? >/out/assess.exit
sync
poweroff -f
INIT
chmod 755 "$root/sbin/init"

size=$(($(du -sm "$root" | cut -f1) + 700))
mke2fs -q -t ext4 -E lazy_itable_init=1 -d "$root" "$work/disk.img" "${size}M" >/dev/null

# An initramfs that loads the disk's modules and hands over; overlay, veth and loop go in before the root is switched.
ram=$work/ram
mkdir -p "$ram"/{bin,dev,proc,sys,root,modules}
cp /bin/busybox "$ram/bin/"
for name in sh mount insmod switch_root ls sleep; do ln -sf busybox "$ram/bin/$name"; done
order=$work/order
depmod -b "$work/kernel" "$release"
: >"$order"
for module in virtio_pci virtio_blk crc32c_generic ext4 overlay veth loop; do
	modprobe -d "$work/kernel" -S "$release" --show-depends "$module" | awk '/^insmod/ { print $2 }' >>"$order"
done
i=100
awk '!seen[$0]++' "$order" | while read -r file; do
	cp "$file" "$ram/modules/$((i++))-$(basename "$file")"
done
cat >"$ram/init" <<'INIT'
#!/bin/sh
mount -t proc proc /proc
mount -t devtmpfs dev /dev
for m in /modules/*; do insmod "$m"; done
for i in 1 2 3 4 5 6 7 8 9 10; do [ -e /dev/vda ] && break; sleep 1; done
mount -t ext4 /dev/vda /root
exec switch_root /root /sbin/init
INIT
chmod 755 "$ram/init"
(cd "$ram" && find . | cpio -o -H newc --quiet) >"$work/initramfs"

begun=$(date +%s)
timeout 900 qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp 2 -m 3072 -nographic -no-reboot -nic none \
	-kernel "$work/kernel/boot/vmlinuz-$release" -initrd "$work/initramfs" -append 'console=ttyS0 panic=-1 quiet' \
	-drive "file=$work/disk.img,format=raw,if=virtio" </dev/null >"$work/console" 2>&1 || say "qemu ended with $?"
say "the guest ran for $(($(date +%s) - begun)) s"

fetch() { debugfs -R "dump /out/$1 $work/$1" "$work/disk.img" >/dev/null 2>&1 && [ -e "$work/$1" ]; }
for file in doctor doctor.exit self-test self-test.exit assess assess.exit product.hallmark key.pem.pub; do fetch "$file" || : >"$work/$file"; done

guest=$(debugfs -R "cat /out/kernel" "$work/disk.img" 2>/dev/null || true)
if [ "$guest" = "$release" ]; then ok "the stock kernel $release booted"; else bad "the stock kernel did not boot"; tail -n 30 "$work/console" | sed 's/^/# /'; fi
if [ "$(cat "$work/doctor.exit")" = 0 ]; then ok "doctor finds all that is needed there"; else bad "doctor misses something there"; sed 's/^/# /' "$work/doctor"; fi
if [ "$(cat "$work/self-test.exit")" = 0 ]; then
	ok "the self-test is green there"
	tail -n 2 "$work/self-test" | sed 's/^/# /'
else
	bad "the self-test is not green there"
	sed 's/^/# /' "$work/self-test"
fi
code=$(cat "$work/assess.exit")
if [ -n "$code" ] && [ "$code" -le 2 ] && [ -s "$work/product.hallmark" ]; then
	ok "$product was assessed there (exit $code)"
else
	bad "$product could not be assessed there (exit ${code:-none})"
	sed 's/^/# /' "$work/assess"
	tail -n 20 "$work/console" | sed 's/^/# /'
fi
if [ -s "$work/product.hallmark" ]; then
	cp "$work/product.hallmark" "$build/stock-kernel.hallmark"
	[ -z "$out" ] || { mkdir -p "$out" && cp "$work/product.hallmark" "$out/sample.hallmark" && cp "$work/key.pem.pub" "$out/"; }
	verdict=0
	"$build/hallmark-verify" "$work/product.hallmark" --key "$work/key.pem.pub" >"$work/verify" || verdict=$?
	if [ "$verdict" = 0 ] || [ "$verdict" = 2 ]; then ok "its bundle verifies here"; else bad "its bundle does not verify here"; fi
	sed 's/^/# /' "$work/verify"
	"$build/hallmark" evaluate "$work/product.hallmark" >"$work/findings" || true
	if grep -q '"losses":\[{"events":0,"packets":0,"run":1}\]' "$work/findings"; then
		ok "nothing was lost there"
	else
		bad "events or packets were lost there"
	fi
	if [ "$product" != clamscan ]; then
		:
	elif ! grep -q '"verdict":"refuted"\|"verdict":"not verifiable"' "$work/findings"; then
		ok "every judged claim is upheld there, as it is here"
	else
		bad "the verdicts there are others"
		"$build/hallmark" report "$work/product.hallmark" | sed 's/^/# /'
	fi
else
	bad "there is no bundle to verify"
fi
echo "1..$n"
exit $failed
