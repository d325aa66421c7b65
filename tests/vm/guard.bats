#!/usr/bin/env bats
# The guard in a whole Debian: real scores of -1000, a real sshd, a real systemd.

load common

setup_machines() {
	"${CC:-cc}" -O1 -static -o "$BATS_FILE_TMPDIR/score" "$BATS_TEST_DIRNAME/guest/score.c"
}

guarded_machine() {
	vm_profile guard <"$BATS_TEST_DIRNAME/guard.yaml"
	vm_file usr/lib/vmtest/score 755 <"$BATS_FILE_TMPDIR/score"
	vm_file usr/lib/vmtest/in-unit 755 <"$BATS_FILE_TMPDIR/score"
	vm_file usr/lib/vmtest/app.pl <<-'EOF'
		sleep 1;
		open(my $score, '<', '/proc/self/oom_score_adj');
		print <$score>;
	EOF
	vm_file usr/lib/vmtest/script 755 <<-'EOF'
		#!/bin/sh
		read -r score </proc/self/oom_score_adj
		echo "$score"
	EOF
	vm_file etc/systemd/system/testssh.service <<-'EOF'
		[Unit]
		Description=The OpenSSH server of the tests
		[Service]
		RuntimeDirectory=sshd
		ExecStart=/usr/sbin/sshd -D -e
	EOF
}

# all NAME VALUE N: the section is N lines, each VALUE.
all() {
	[ "$(vm_section "$1" | sort | uniq -c | awk '{ print $1, $2 }')" = "$3 $2" ]
}

@test "a protected program has its score before its first instruction, 500 of 500, idle and busy" {
	guarded_machine
	vm_script <<-'EOF'
		starts() { i=0; while [ $i -lt 500 ]; do /usr/lib/vmtest/score; i=$((i + 1)); done; }
		emit idle starts
		for n in 1 2 3 4; do while :; do :; done & done
		spinning=$(jobs -p)
		emit busy starts
		kill $spinning
		emit script /usr/lib/vmtest/script
		/usr/lib/vmtest/score 60 >/dev/null &
		running=$!
		sleep 1
		emit why holdfast status --why $running
		emit status holdfast status --json
	EOF
	# A thousand lines on an emulated serial port take longer than the thousand starts.
	VM_TIMEOUT=300 vm_boot vmtest.product=guard loglevel=4
	all idle -1000 500
	all busy -1000 500
	all script -1000 1
	[ "$(vm_section why)" = 'pinned as score (exec)' ]
	[ "$(json status .guard.running)" = true ]
	[ "$(json status '[.guard.pinned[] | select(.service == "score") | .how] | unique | join(" ")')" = exec ]
	[ "$(json status .guard.lost_events)" = 0 ]
}

@test "sshd, started by init at boot, is pinned by exec; a login, a file transfer and all below stand at 0" {
	guarded_machine
	vm_file etc/systemd/system/multi-user.target.d/testssh.conf <<-'EOF'
		[Unit]
		Wants=testssh.service
	EOF
	vm_script <<-'EOF'
		for i in $(seq 60); do systemctl -q is-active testssh && break; sleep 0.5; done
		sleep 2
		main=$(systemctl show -P MainPID testssh)
		emit sshd cat /proc/$main/oom_score_adj
		emit why holdfast status --why $main
		ssh-keygen -q -t ed25519 -N '' -f /root/key
		mkdir -p -m 700 /root/.ssh
		cp /root/key.pub /root/.ssh/authorized_keys
		login() { ssh -q -i /root/key -o StrictHostKeyChecking=no root@127.0.0.1 "$@"; }
		emit login login 'cat /proc/self/oom_score_adj; cat /proc/$$/oom_score_adj; sleep 3; cat /proc/$PPID/oom_score_adj; sh -c "cat /proc/self/oom_score_adj"'
		echo 'get /proc/self/oom_score_adj /tmp/transferred' |
			sftp -q -b - -i /root/key -o StrictHostKeyChecking=no root@127.0.0.1
		emit transfer cat /tmp/transferred
		emit sshd-after cat /proc/$main/oom_score_adj
		systemctl restart testssh
		sleep 2
		main=$(systemctl show -P MainPID testssh)
		emit restarted cat /proc/$main/oom_score_adj
		emit why-restarted holdfast status --why $main
		systemctl reload testssh 2>/dev/null || kill -HUP $main
		sleep 2
		emit reexecuted cat /proc/$main/oom_score_adj
	EOF
	vm_boot vmtest.product=guard
	all sshd -1000 1
	[ "$(vm_section why)" = 'pinned as sshd (exec)' ]
	all login 0 4
	all transfer 0 1
	all sshd-after -1000 1
	all restarted -1000 1
	[ "$(vm_section why-restarted)" = 'pinned as sshd (exec)' ]
	all reexecuted -1000 1
}

@test "children are released, a daemon that goes to the background keeps its score; a service by its unit, another by its interpreter's arguments" {
	guarded_machine
	vm_script <<-'EOF'
		emit fork /usr/lib/vmtest/score fork
		daemon() { /usr/lib/vmtest/score "$1" | cat; } # until the last has printed
		emit daemon daemon daemon
		emit daemon2 daemon daemon2
		emit restore /usr/lib/vmtest/score restore
		emit threads /usr/lib/vmtest/score threads
		# A minute begins in three seconds.
		printf '* * * * * root cat /proc/self/oom_score_adj >/run/job\n' >/etc/cron.d/job
		date -s '2030-01-01 00:00:57' >/dev/null
		cron
		sleep 8
		emit cron cat /proc/$(cat /run/crond.pid)/oom_score_adj
		emit job cat /run/job
		emit shell sh -c '/usr/lib/vmtest/score; cat /proc/self/oom_score_adj'
		emit unit systemd-run --quiet --pipe --wait --unit wanted /usr/lib/vmtest/in-unit
		emit other-unit systemd-run --quiet --pipe --wait --unit other /usr/lib/vmtest/in-unit
		emit no-unit /usr/lib/vmtest/in-unit
		emit app perl /usr/lib/vmtest/app.pl --now
		cp /usr/lib/vmtest/app.pl /tmp/app.pl
		emit other-app perl /tmp/app.pl
	EOF
	vm_boot vmtest.product=guard
	[ "$(vm_section fork | paste -sd ' ')" = '-1000 0' ]
	[ "$(vm_section daemon | paste -sd ' ')" = '-1000 -1000' ]
	[ "$(vm_section daemon2 | paste -sd ' ')" = '-1000 -1000' ]
	[ "$(vm_section restore | paste -sd ' ')" = '-1000 0' ] # as the split sshd does
	[ "$(vm_section threads | paste -sd ' ')" = '-1000 -1000' ]
	all cron -1000 1
	all job 0 1
	[ "$(vm_section shell | paste -sd ' ')" = '-1000 0' ]
	all unit -1000 1
	all other-unit 0 1
	all no-unit 0 1
	all app -1000 1
	all other-app 0 1
}

@test "copies, other names, other users and other namespaces get nothing" {
	guarded_machine
	vm_script <<-'EOF'
		cp /usr/lib/vmtest/score /root/score
		emit copy /root/score
		emit renamed bash -c 'exec -a /usr/lib/vmtest/score /root/score'
		emit user setpriv --reuid 65534 --clear-groups /usr/lib/vmtest/score
		emit userns setpriv --reuid 65534 --clear-groups unshare --user --map-root-user /usr/lib/vmtest/score
		emit pidns unshare --pid --fork /usr/lib/vmtest/score
		mkdir -p /root/c/proc /root/c/usr/lib/vmtest && mount --bind /proc /root/c/proc && cp /usr/lib/vmtest/score /root/c/usr/lib/vmtest/score
		emit chroot chroot /root/c /usr/lib/vmtest/score
		chmod o+w /usr/lib/vmtest/score
		sleep 1
		emit writable /usr/lib/vmtest/score
		chmod o-w /usr/lib/vmtest/score
		sleep 1
		emit again /usr/lib/vmtest/score
	EOF
	vm_boot vmtest.product=guard
	for section in copy renamed user userns pidns chroot writable; do
		all "$section" 0 1
	done
	all again -1000 1
}

@test "a program that is replaced or appears later is guarded, also behind links and mounts" {
	guarded_machine
	vm_script <<-'EOF'
		upgrade() { cp /usr/lib/vmtest/score /usr/lib/vmtest/score.dpkg-new; mv /usr/lib/vmtest/score.dpkg-new /usr/lib/vmtest/score; /usr/lib/vmtest/score; }
		upgrades() { i=0; while [ $i -lt 50 ]; do upgrade; i=$((i + 1)); done; }
		emit upgrades upgrades
		mkdir -p /opt/late/bin
		cp /usr/lib/vmtest/score /opt/late/bin/score
		sleep 1
		emit late /opt/late/bin/score
		ln /usr/lib/vmtest/score /root/hard
		emit hard /root/hard
		touch /root/bound && mount --bind /usr/lib/vmtest/score /root/bound
		emit bound /root/bound
		systemctl reload holdfast-guard
		sleep 2
		emit reloaded /usr/lib/vmtest/score
		echo 'x: 1' >>/etc/holdfast/profiles/guard.yaml
		systemctl reload holdfast-guard
		sleep 2
		emit kept /usr/lib/vmtest/score
		emit dmesg dmesg
	EOF
	vm_boot vmtest.product=guard
	all upgrades -1000 50
	all late -1000 1
	all hard -1000 1
	all bound -1000 1
	all reloaded -1000 1
	all kept -1000 1
	kernel_log 'guard: reloaded'
	kernel_log 'the new profile cannot be used; the old one stays in force'
}

@test "a guard that is stopped, killed or frozen keeps no program waiting for good, and a new one makes up for it" {
	guarded_machine
	vm_script <<-'EOF'
		worker() { pgrep -f 'holdfast guard' | tail -n 1; }
		stopped() { date +%s%N; /usr/lib/vmtest/score >/dev/null; date +%s%N; }
		kill -STOP "$(worker)"
		emit stopped stopped
		/usr/lib/vmtest/score 30 >/dev/null &
		held=$!
		sleep 2
		emit after-stop cat /proc/$held/oom_score_adj
		kill -KILL "$(worker)"
		/usr/lib/vmtest/score 30 >/dev/null &
		held=$!
		sleep 2
		emit after-kill cat /proc/$held/oom_score_adj
		systemctl kill --signal=KILL holdfast-guard
		sleep 3
		# Nobody takes messages, and there is no room for a report.
		systemctl kill --signal=STOP systemd-journald
		dd if=/dev/zero of=/run/filler bs=64K >/dev/null 2>&1
		emit stuck /usr/lib/vmtest/score
		systemctl kill --signal=KILL holdfast-guard
		sleep 3
		emit stuck-after-all /usr/lib/vmtest/score
		rm /run/filler
		systemctl kill --signal=CONT systemd-journald
		# Frozen, nothing of it runs: the last resort.
		mkdir -p /run/systemd/system/holdfast-guard.service.d
		printf '[Service]\nWatchdogSec=4\n' >/run/systemd/system/holdfast-guard.service.d/watchdog.conf
		systemctl daemon-reload
		systemctl restart holdfast-guard
		echo 1 >/sys/fs/cgroup/system.slice/holdfast-guard.service/cgroup.freeze
		emit frozen /usr/lib/vmtest/score
		sleep 3
		emit results journalctl -q -o cat -u holdfast-guard -g watchdog
		emit service systemctl is-active holdfast-guard
		emit after-all /usr/lib/vmtest/score
	EOF
	vm_boot vmtest.product=guard
	# Nanoseconds from the exec to its being let go, on an emulated machine.
	[ "$(vm_section stopped | paste -sd ' ' | awk '{ print ($2 - $1 < 1000000000) }')" = 1 ]
	all after-stop -1000 1
	all after-kill -1000 1
	[ "$(vm_section service)" = active ]
	[[ $(vm_section results) == *"Failed with result 'watchdog'"* ]]
	[ "$(vm_section frozen | wc -l)" = 1 ]
	all after-all -1000 1
	all stuck -1000 1
	all stuck-after-all -1000 1
}

@test "from initramfs to system: the guard is there before init, and hands over without a gap" {
	guarded_machine
	vm_file usr/lib/vmtest/loop 755 <<-'EOF'
		#!/bin/sh
		# From before systemd's first service to the running system.
		while [ ! -e /run/vmtest/enough ]; do /usr/lib/vmtest/score; done >/run/vmtest/scores
	EOF
	vm_file usr/lib/vmtest/early-init 755 <<-'EOF'
		#!/bin/sh
		mkdir -p /run/vmtest
		/usr/lib/vmtest/loop &
		exec /sbin/init
	EOF
	vm_script <<-'EOF'
		touch /run/vmtest/enough
		sleep 1
		emit scores sort /run/vmtest/scores
		emit guards pgrep -c -f 'holdfast.*guard'
		emit dmesg dmesg
	EOF
	vm_boot vmtest.product=guard init=/usr/lib/vmtest/early-init
	[ "$(vm_section scores | uniq | paste -sd ' ')" = -1000 ]
	[ "$(vm_section scores | wc -l)" -gt 100 ]
	[ "$(vm_section guards)" = 2 ] # a supervisor and its worker: the initramfs's are gone
}
