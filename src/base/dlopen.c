#include "base/dlopen.h"

#include <dlfcn.h>

#include "base/log.h"

int dlopen_symbols(const char *soname, const struct dlopen_symbol *symbols, size_t n,
		   void **ret_handle)
{
	void *handle = dlopen(soname, RTLD_NOW | RTLD_LOCAL);

	if (!handle) {
		log_debug("%s", dlerror());
		return -ELIBACC;
	}
	for (size_t i = 0; i < n; i++) {
		void *symbol = dlsym(handle, symbols[i].name);

		if (!symbol) {
			log_debug("%s", dlerror());
			dlclose(handle);
			return -ELIBACC;
		}
		memcpy(symbols[i].pointer, &symbol, sizeof(symbol));
	}
	*ret_handle = handle;
	return 0;
}
