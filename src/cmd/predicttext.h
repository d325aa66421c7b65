/* A prediction as a person reads it: one, or two side by side. */
#pragma once

#include "base/term.h"
#include "insight/predict.h"

struct scene {
	const char *title; /* "now", "with PROFILE" */
	struct predict_rules rules;
	struct procs procs;
	struct prediction prediction;
};

/* @wanted: the cgroup that was asked for, or NULL. @n is 1 or 2. @all: every candidate. */
void predict_print(const struct term *t, const struct scene *scenes, unsigned n, const char *wanted,
		   bool all);

/* "kill", "kill-allocating-task", "panic", "none" */
const char *predict_decision_name(enum predict_decision decision);
