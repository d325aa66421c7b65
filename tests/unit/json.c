/* base/json.h: the writer, and its strings. */
#include "base/json.h"

#include "unit.h"

static bool quoted_as(const char *text, const char *wanted)
{
	_cleanup_free_ char *got = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&got, &size);

	json_quote(f, text);
	fclose(f);
	if (!streq(got, wanted))
		printf("# got %s\n", got);
	return streq(got, wanted);
}

static void strings(void)
{
	CHECK(quoted_as("", "\"\""));
	CHECK(quoted_as("plain", "\"plain\""));
	CHECK(quoted_as("\"\\", "\"\\\"\\\\\""));
	CHECK(quoted_as("\b\t\n\f\r", "\"\\b\\t\\n\\f\\r\""));
	CHECK(quoted_as("\x01\x1f\x7f", "\"\\u0001\\u001f\\u007f\""));
	CHECK(quoted_as("grün → 💡", "\"grün → 💡\""));
}

static void broken_strings(void)
{
	CHECK(quoted_as("a\xff\x62", "\"a\\ufffdb\""));
	CHECK(quoted_as("\xc3", "\"\\ufffd\""));
	CHECK(quoted_as("\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"")); /* a surrogate */
}

static void document(void)
{
	_cleanup_free_ char *got = NULL;
	size_t size = 0;
	struct json j = JSON_WRITER(open_memstream(&got, &size));

	json_open(&j, NULL, '{');
	json_int(&j, "version", 1);
	json_string(&j, "profile", NULL);
	json_open(&j, "empty", '[');
	json_close(&j, ']');
	json_open(&j, "list", '[');
	json_bool(&j, NULL, true);
	json_int(&j, NULL, INT64_MIN);
	json_open(&j, NULL, '{');
	json_close(&j, '}');
	json_close(&j, ']');
	json_close(&j, '}');
	fclose(j.out);
	CHECK(streq(got, "{\n"
			 "  \"version\": 1,\n"
			 "  \"profile\": null,\n"
			 "  \"empty\": [],\n"
			 "  \"list\": [\n"
			 "    true,\n"
			 "    -9223372036854775808,\n"
			 "    {}\n"
			 "  ]\n"
			 "}\n"));
}

UNIT_MAIN({ "strings are escaped", strings },
	  { "what is no UTF-8 becomes the replacement character", broken_strings },
	  { "a document is nested, with commas and a last newline", document })
