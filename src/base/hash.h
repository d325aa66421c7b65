/* FNV-1a of 64 bits: tells data from other data, not from data that somebody made to look alike. */
#pragma once

#include "base/util.h"

#define HASH_BEGIN UINT64_C(0xcbf29ce484222325)

static inline uint64_t hash_add(uint64_t hash, const void *data, size_t size)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
	return hash;
}
