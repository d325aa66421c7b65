#!/usr/bin/env bats
# The guard under attack and under pressure, with real scores of -1000, in the smallest machine there is: busybox as init, no systemd.

load common

# shellcheck source-path=SCRIPTDIR
. "$BATS_TEST_DIRNAME/guarded.bash"

setup_machines() {
	small_machines
}

# is SECTION TEXT: the section's lines, joined by blanks.
is() {
	local got
	got=$(vm_section "$1" | paste -sd ' ')
	[[ $got == "$2" ]] || { printf '%s: wanted "%s", got "%s"\n' "$1" "$2" "$got"; return 1; }
}

@test "what only looks like the service gets nothing: applets, copies, names, users, containers, recycled PIDs, faked events" {
	rules='  - { service: applet, exe: /bin/busybox, args: "sleep 77*" }'
	small <<-'EOF'
		sleep 77 & applet=$!
		sleep 78 & other=$!
		sleep 1
		emit applets score_of $applet
		emit applets-other score_of $other
		emit applets-how holdfast status --why $applet
		kill $applet $other

		mkdir -p /tmp && cp /usr/lib/vmtest/score /tmp/score
		emit copy /tmp/score
		named() { sh -c 'printf score >/proc/self/comm; sleep 1; cat /proc/self/oom_score_adj'; }
		emit name named
		emit user su -s /usr/lib/vmtest/score nobody
		emit pid-namespace unshare --pid --fork /usr/lib/vmtest/score
		emit user-namespace unshare --user --map-root-user /usr/lib/vmtest/score
		mkdir -p /c/usr/lib/vmtest /c/proc && touch /c/usr/lib/vmtest/score
		mount --bind /usr/lib/vmtest/score /c/usr/lib/vmtest/score && mount --bind /proc /c/proc
		emit container unshare --user --map-root-user --mount --pid --fork chroot /c /usr/lib/vmtest/score
		# The same file, by the same user, in the initial namespaces: a chroot is none.
		emit chroot chroot /c /usr/lib/vmtest/score

		score 60 >/dev/null & pinned=$!
		sleep 1
		emit fake attack fake $pinned
		sleep 1
		emit after-fake holdfast status --why $pinned
		emit after-fake-init score_of 1
		kill $pinned; wait $pinned
		reused() { attack reuse $pinned /bin/sh -c 'sleep 1; [ $$ = "$0" ] && cat /proc/self/oom_score_adj' $pinned; }
		emit reuse reused
		emit last score
	EOF
	is applets -1000
	is applets-other 0
	is applets-how 'pinned as applet (event)'
	for section in copy name user pid-namespace user-namespace container; do
		is "$section" 0
	done
	is chroot -1000
	[[ $(vm_section fake) == *'sent to '* ]]
	is after-fake 'pinned as score (exec)'
	is after-fake-init 0
	is reuse 0
	is last -1000
}

@test "floods: 5,000 execs of others, 1,000 of the service at once, a fork bomb in a limit" {
	small <<-'EOF'
		emit others attack flood 5000 /bin/true
		emit service attack flood 1000 /usr/lib/vmtest/score
		mkdir /sys/fs/cgroup/bomb
		echo +pids >/sys/fs/cgroup/cgroup.subtree_control
		echo 300 >/sys/fs/cgroup/bomb/pids.max
		(echo 0 >/sys/fs/cgroup/bomb/cgroup.procs; bomb() { bomb & bomb & wait; }; bomb) 2>/dev/null &
		sleep 2
		emit starts attack starts 100 /usr/lib/vmtest/score
		echo 1 >/sys/fs/cgroup/bomb/cgroup.kill
		sleep 3
	EOF
	is others 5000
	is service 1000
	[[ $(vm_section starts | head -n 1) == '100 -1000' ]]
	[ "$(json status '.guard.pinned | length')" = 0 ]
	[ "$(json status .guard.released)" = 0 ]
}

@test "twenty times out of memory: the service lives, the hog dies; one that outgrows its leash can die, too" {
	rules='  - { service: leashed, exe: /usr/lib/vmtest/leashed, max_rss: 64M }'
	small <<-'EOF'
		cp /usr/lib/vmtest/score /usr/lib/vmtest/leashed
		cp /usr/lib/vmtest/score /tmp/hog 2>/dev/null || { mkdir -p /tmp; cp /usr/lib/vmtest/score /tmp/hog; }
		sleep 1
		score 600 >/dev/null & service=$!
		sleep 1
		hogs() { for n in $(seq 20); do /tmp/hog hog 1000 >/dev/null 2>&1; echo $?; done; }
		emit hogs hogs
		emit service score_of $service
		emit killed sh -c 'dmesg | grep -c "Out of memory: Killed process"'
		leashed hog 100 >/dev/null 2>&1 & leashed=$!
		sleep 8
		emit leashed score_of $leashed
		emit leashed-why holdfast status --why $leashed
		/tmp/hog hog 1000 >/dev/null 2>&1
		emit service-still score_of $service
	EOF
	is hogs "$(yes 137 | head -n 20 | paste -sd ' ')"
	is service -1000
	is killed 20
	is leashed 0
	is leashed-why 'leashed outgrew its max_rss and lost its protection'
	is service-still -1000
	[ "$(json status .guard.leashed)" = 1 ]
	[[ $(vm_section dmesg) == *'leashed['*'it loses its protection'* ]]
}

@test "events that are lost are noticed and made good by a scan" {
	small <<-'EOF'
		mkdir /sys/fs/cgroup/guard
		for pid in $(pidof holdfast); do echo $pid >/sys/fs/cgroup/guard/cgroup.procs; done
		# So many members that everybody's events come.
		score many 70 >/dev/null &
		sleep 1
		score spawn 14000 >/run/spawned &
		sleep 1
		echo 1 >/sys/fs/cgroup/guard/cgroup.freeze
		while ! grep -q done /run/spawned; do sleep 1; done
		child=$(sed -n 's/^done //p' /run/spawned)
		emit before score_of $child
		echo 0 >/sys/fs/cgroup/guard/cgroup.freeze
		sleep 5
		emit after score_of $child
	EOF
	is before -1000
	is after 0
	[ "$(json status .guard.lost_events)" -ge 1 ]
	[ "$(json status .guard.rescans)" -ge 1 ]
}

@test "faults at random moments of 1,000 starts: none waits a second, everything is pinned at the end" {
	small <<-'EOF'
		faults() {
			while [ ! -e /run/enough ]; do
				for fault in "kill -STOP" "kill -KILL" "kill -SEGV" "prlimit"; do
					victim=$(worker | head -n 1)
					[ "$fault" != prlimit ] || fault="attack nofile"
					[ -z "$victim" ] || $fault $victim
					usleep $(( ($(hexdump -n 2 -e '1/2 "%u"' /dev/urandom) % 400 + 20) * 1000 ))
				done
			done
		}
		score 600 >/dev/null & first=$!
		faults 2>/dev/null &
		emit starts attack starts 1000 /usr/lib/vmtest/score
		score 600 >/dev/null & last=$!
		touch /run/enough
		sleep 8
		emit pinned sh -c "cat /proc/$first/oom_score_adj /proc/$last/oom_score_adj"
		emit starts-after attack starts 20 /usr/lib/vmtest/score
	EOF
	[[ $(vm_section starts) != *failed* ]]
	(($(vm_section starts | awk '$1 == "longest" { print $2 }') < 1000))
	is pinned '-1000 -1000'
	[[ $(vm_section starts-after | head -n 1) == '20 -1000' ]]
}

@test "both processes stopped at once: no start waits a second, with the kernel's perf events and without" {
	small <<-'EOF'
		stopped() { kill -STOP $(pidof holdfast); attack starts 1 /usr/lib/vmtest/score; }
		uses_perf() { ls -l /proc/[0-9]*/fd 2>/dev/null | grep -c perf_event; }
		emit perf uses_perf
		emit stopped stopped
		emit again stopped
		/etc/init.d/holdfast-guard stop
		LD_PRELOAD=/usr/lib/vmtest/no-perf.so /etc/init.d/holdfast-guard start
		emit no-perf uses_perf
		emit by-timer stopped
		emit by-timer-again stopped
	EOF
	[[ $(vm_section dmesg) != *'guard: reloaded'* ]]
	is perf 1
	is no-perf 0
	for section in stopped again by-timer by-timer-again; do
		[[ $(vm_section "$section" | head -n 1) == '1 -1000' ]]
		(($(vm_section "$section" | awk '$1 == "longest" { print $2 }') < 1000))
	done
}

@test "overlay, squashfs and tmpfs; no /run; a full one" {
	rules='  - { service: overlay, exe: /mnt/overlay/bin/score }
  - { service: squashfs, exe: /mnt/squashfs/bin/score }
  - { service: tmpfs, exe: /mnt/tmpfs/score }'
	small <<-'EOF'
		/etc/init.d/holdfast-guard stop
		modprobe -a overlay squashfs loop
		mkdir -p /mnt/overlay /mnt/squashfs /mnt/tmpfs /mnt/rw
		mount -t squashfs -o loop /usr/lib/vmtest/tree.squashfs /mnt/squashfs
		mount -t tmpfs -o mode=755 tmpfs /mnt/rw && mkdir /mnt/rw/upper /mnt/rw/work
		mount -t overlay -o lowerdir=/mnt/squashfs,upperdir=/mnt/rw/upper,workdir=/mnt/rw/work overlay /mnt/overlay
		mount -t tmpfs -o mode=755 tmpfs /mnt/tmpfs && cp /usr/lib/vmtest/score /mnt/tmpfs/
		dd if=/dev/zero of=/run/filler bs=4096 >/dev/null 2>&1
		emit start-full /etc/init.d/holdfast-guard start
		emit squashfs attack starts 100 /mnt/squashfs/bin/score
		emit overlay attack starts 100 /mnt/overlay/bin/score
		touch /mnt/overlay/bin/score
		sleep 1
		emit copied-up attack starts 100 /mnt/overlay/bin/score
		emit tmpfs attack starts 100 /mnt/tmpfs/score
		rm /run/filler
		/etc/init.d/holdfast-guard stop
		emit stopped attack starts 10 /mnt/tmpfs/score
		umount /run && rmdir /run
		emit start-none /etc/init.d/holdfast-guard start
		emit no-run attack starts 100 /mnt/tmpfs/score
	EOF
	for section in squashfs overlay copied-up tmpfs no-run; do
		[[ $(vm_section "$section" | head -n 1) == '100 -1000' ]]
	done
	[[ $(vm_section stopped | head -n 1) == '10 0' ]]
	[ "$(vm_status start-full)" = 0 ]
	[ "$(vm_status start-none)" = 0 ]
}
