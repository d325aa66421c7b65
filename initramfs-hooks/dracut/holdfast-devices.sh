#!/bin/sh
# Sourced by dracut's hooks: returns, never exits.
# shellcheck source=initramfs-hooks/initramfs-tools/holdfast-functions
. /usr/lib/holdfast/holdfast-functions
holdfast_stage devices
