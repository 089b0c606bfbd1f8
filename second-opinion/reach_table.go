package main

// name, x86-64 number, i386 number, what one that succeeded makes doubtful
const reachTable = `
acct 163 51
add_key 248 286
adjtimex 159 124 record
bpf 321 357 record
chroot 161 61
clock_adjtime 305 343 record
clock_adjtime64 -1 405 record
clock_settime 227 264 record
clock_settime64 -1 404 record
clone 56 120
clone3 435 435
creat 85 8
delete_module 176 129 record
fallocate 285 324 reads
fanotify_init 300 338
finit_module 313 350 record
fsconfig 431 431 paths
fsmount 432 432 paths
fsopen 430 430 paths
fspick 433 433 paths
futimesat 261 299
init_module 175 128 record
io_setup 206 245 reads
io_submit 209 248 reads
io_uring_enter 426 426 reads paths ports
io_uring_register 427 427 reads paths ports
io_uring_setup 425 425 reads paths ports
ioctl 16 54 reads paths
ioperm 173 101 record
iopl 172 110 record
kcmp 312 349
kexec_file_load 320 -1 record
kexec_load 246 283 record
keyctl 250 288
kill 62 37
listmount 458 458
lookup_dcookie 212 253
mknod 133 14 reads paths
mknodat 259 297 reads paths
mount 165 21 paths
mount_setattr 442 442 paths
move_mount 429 429 paths
open 2 5
open_by_handle_at 304 342
open_tree 428 428 paths
open_tree_attr 467 467 paths
openat 257 295
openat2 437 437
perf_event_open 298 336 record
pidfd_getfd 438 438
pidfd_send_signal 424 424
pivot_root 155 217 paths
prctl 157 172
process_madvise 440 440
process_vm_readv 310 347 reads
process_vm_writev 311 348 record
ptrace 101 26
quotactl 179 131
quotactl_fd 443 443
reboot 169 88 record
request_key 249 287
rt_sigqueueinfo 129 178
rt_tgsigqueueinfo 297 335
sched_setattr 314 351
sched_setscheduler 144 156
seccomp 317 354
setdomainname 171 121
sethostname 170 74
setns 308 346
setsockopt 54 366
settimeofday 164 79 record
socket 41 359
socketcall -1 102
statmount 457 457
stime -1 25 record
swapoff 168 115
swapon 167 87 reads
syslog 103 103 reads
tgkill 234 270
tkill 200 238
umount -1 22 paths
umount2 166 52 paths
unshare 272 310
userfaultfd 323 374
utime 132 30
utimensat 280 320
utimensat_time64 -1 412
utimes 235 271
vhangup 153 111
`
