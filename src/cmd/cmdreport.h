/* Reports of commands that choose a profile first. */
#pragma once

#include "cmd/cmd.h"
#include "setting/report.h"

/* Adds what is wrong with profiles, and why none could be chosen. */
int cmdreport_errors(struct report *r, const struct context *c,
		     const struct findings *f) _must_check_;
