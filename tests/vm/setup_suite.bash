# shellcheck shell=bash
# Builds what the machines boot, once for a run: sources that change meanwhile change nothing under the running tests.

setup_suite() {
	"${BASH_SOURCE[0]%/*}/build-image" 2>&3
	export VM_IMAGE_READY=yes
}
