package main

// What findings depend on as tables (doc/format/tables.md, which a test compares): places, capabilities, calls.

import (
	"crypto/sha256"
	"encoding/binary"
	"strings"
)

var placesSystem = strings.Fields(`
/ /usr /usr/* /usr/lib/** /usr/lib32/** /usr/lib64/** /usr/libx32/** /usr/libexec/**
/usr/bin/** /usr/sbin/** /usr/share/** /usr/local/lib/** /usr/local/share/** /usr/local/bin /usr/local/sbin
/etc /etc/ld.so.cache /etc/ld.so.preload /etc/ld.so.conf /etc/ld.so.conf.d/** /etc/nsswitch.conf
/etc/passwd /etc/group /etc/host.conf /etc/hosts /etc/resolv.conf /etc/gai.conf /etc/services
/etc/protocols /etc/networks /etc/rpc /etc/ethers /etc/netconfig /etc/localtime /etc/timezone
/etc/locale.alias /etc/locale.conf /etc/default/locale /etc/ssl/** /etc/ca-certificates/**
/etc/ca-certificates.conf /etc/gnutls/** /etc/gss/** /etc/krb5.conf /etc/pki/** /etc/crypto-policies/**
/etc/mime.types /etc/magic /etc/magic.mime /etc/inputrc /etc/profile /etc/profile.d/**
/etc/bash.bashrc /etc/environment /etc/login.defs /etc/shells /etc/terminfo/** /etc/alternatives/**
/etc/python3/** /etc/python3.*/** /etc/perl/** /etc/os-release /etc/debian_version /etc/selinux/config
/etc/apparmor/parser.conf /var/lib/ca-certificates/**
/proc /proc/self /proc/thread-self /proc/{pid}/** /proc/cpuinfo /proc/meminfo /proc/stat /proc/filesystems
/proc/loadavg /proc/uptime /proc/version /proc/sys/kernel/cap_last_cap /proc/sys/kernel/ngroups_max
/proc/sys/kernel/osrelease /proc/sys/kernel/pid_max /proc/sys/kernel/threads-max /proc/sys/kernel/seccomp/**
/proc/sys/kernel/randomize_va_space /proc/sys/kernel/random/uuid /proc/sys/vm/overcommit_memory
/proc/sys/vm/max_map_count /proc/sys/crypto/fips_enabled /proc/sys/net/core/somaxconn
/proc/sys/net/ipv6/conf/all/disable_ipv6 /proc/sys/fs/file-max /proc/sys/fs/nr_open
/sys/devices/system/cpu/** /sys/devices/system/node/** /sys/kernel/mm/transparent_hugepage/**
/sys/fs/cgroup/**
/dev /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty /dev/ptmx /dev/pts/**`)

var placesTemporary = strings.Fields(`/tmp/** /var/tmp/** /run/** /var/run/** /dev/shm/**`)

var placesOwn = strings.Fields(`
/var/lib/{name}/** /var/log/{name}/** /var/log/{name}.log /var/cache/{name}/** /var/spool/{name}/**
/root/.{name}/** /root/.config/{name}/** /root/.cache/{name}/** /root/.local/share/{name}/**
/root/.local/state/{name}/** /home/*/.{name}/** /home/*/.config/{name}/** /home/*/.cache/{name}/**
/home/*/.local/share/{name}/** /home/*/.local/state/{name}/**`)

var placesFleeting = strings.Fields(`/proc/{pid}/** /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty /dev/ptmx /dev/pts/**`)

// Numbers of capabilities are Linux's.
var capNames = strings.Fields(`CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE
NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT
SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE
MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE`)

func capBits(names string) uint64 {
	var bits uint64
	for _, want := range strings.Fields(names) {
		for i, n := range capNames {
			if n == want {
				bits |= 1 << i
			}
		}
	}
	return bits
}

var capsOf = map[string]uint64{
	"capable.read": capBits(`DAC_OVERRIDE DAC_READ_SEARCH FOWNER SETUID SETGID SYS_PTRACE SYS_ADMIN SYS_RAWIO SYS_CHROOT MKNOD SYSLOG PERFMON
		BPF MAC_OVERRIDE AUDIT_READ CHECKPOINT_RESTORE IPC_OWNER`),
	"capable.send":       capBits(`NET_RAW NET_ADMIN NET_BIND_SERVICE NET_BROADCAST SYS_ADMIN BPF`),
	"capable.load":       capBits(`SYS_MODULE SYS_ADMIN SYS_RAWIO SYS_BOOT BPF PERFMON SYS_PTRACE SETFCAP SETPCAP MKNOD MAC_ADMIN`),
	"declared.privilege": ^uint64(0),
}

const (
	touchesRecord = 1 << iota
	touchesReads
	touchesPaths
	touchesPorts
)

type reachRow struct {
	name    string
	n64     int
	n32     int
	touches int
}

var reachRows = func() []reachRow {
	var rows []reachRow
	for _, line := range strings.Split(strings.TrimSpace(reachTable), "\n") {
		var r reachRow
		w := strings.Fields(line)
		r.name = w[0]
		r.n64, r.n32 = atoi(w[1]), atoi(w[2])
		for _, t := range w[3:] {
			r.touches |= map[string]int{"record": touchesRecord, "reads": touchesReads, "paths": touchesPaths, "ports": touchesPorts}[t]
		}
		rows = append(rows, r)
	}
	return rows
}()

func atoi(s string) int {
	n, sign := 0, 1
	for _, c := range s {
		if c == '-' {
			sign = -1
		} else {
			n = n*10 + int(c-'0')
		}
	}
	return n * sign
}

// nameAddress is the chamber's address of a name.
func nameAddress(name string) [4]byte {
	d := sha256.Sum256([]byte(strings.ToLower(name)))
	block := 1 + binary.BigEndian.Uint32(d[:])%511
	return [4]byte{198, byte(18 + block>>8), byte(block), byte(1 + binary.BigEndian.Uint32(d[4:])%254)}
}
