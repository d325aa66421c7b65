/* YAML text to a tree. The only user of libyaml. */
#pragma once

#include "profile/finding.h"

#define PARSE_MAX_SIZE (256U * 1024U) /* bytes of a file */
#define PARSE_MAX_DEPTH 16U
#define PARSE_MAX_NODES 20000U

enum parse_rules {
	PARSE_PROFILE,
	PARSE_REPORT, /* our own JSON: values may hold anything, and be many */
};

/* Parses one document of @size bytes at @data (a NUL follows them), called @file in places, which
 * must outlive the tree. Complains into @f of everything that is no plain tree of maps, lists and
 * strings: bad encoding, anchors, aliases, tags, duplicate keys, several documents, depth.
 * JSON is accepted, being YAML. 0, -EBADMSG when no tree could be made, -ENOMEM. */
int parse_tree(struct arena *a, const char *file, const char *data, size_t size,
	       enum parse_rules rules, struct findings *f, struct node **ret_root) _must_check_;
