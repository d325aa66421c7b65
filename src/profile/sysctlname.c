#include "profile/sysctlname.h"

void sysctlname_swap(char *name)
{
	for (; *name; name++)
		if (*name == '.' || *name == '/')
			*name = *name == '.' ? '/' : '.';
}

void sysctlname_normalise(char *name)
{
	if (name[strcspn(name, "./")] == '.')
		sysctlname_swap(name);
}

bool sysctlname_is_path(const char *path)
{
	for (;;) {
		size_t n = strcspn(path, "/");

		if (n == 0 || (n == 1 && *path == '.') || (n == 2 && strncmp(path, "..", 2) == 0))
			return false;
		if (!path[n])
			return true;
		path += n + 1;
	}
}

bool sysctlname_to_path(const char *name, char *ret_path)
{
	for (const char *c = name; *c; c++)
		if ((unsigned char)*c <= ' ' || strchr("*?[]\"\\", *c))
			return false;
	strcpy(ret_path, name);
	sysctlname_normalise(ret_path);
	return *name != '-' && sysctlname_is_path(ret_path);
}
