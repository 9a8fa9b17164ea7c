/* fuzz_manifest.c - any bytes as a manifest, and as a file of public keys: nothing crashes, a refusal has a reason, what is
 * taken is written again as it was, and its signatures can be checked. */
#include <string.h>

#include "fuzz.h"
#include "sinkhole/sha256.h"
#include "sinkhole/sign.h"

/* That of the first test of RFC 8032, which has signed seeds. */
#define KEY \
	"sinkhole-ed25519 21fe31dfa154a261 " \
	"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a\n"

void fuzz_file(const char *path)
{
	(void)path; /* every file is both */
}

static void as_manifest(struct sink_span text, const struct sink_keys *keys)
{
	char again[SINK_MANIFEST_MAX];
	struct sink_why why = { "" };
	struct sink_manifest m;
	int err = sink_manifest_parse(text, &why, &m);
	size_t len;

	must(err == SINK_OK || err == SINK_ECORRUPT || err == SINK_EVERSION);
	must((err == SINK_OK) == !why.text[0]);
	if (err)
		return;
	len = sink_manifest_format(&m, again);
	must(len == text.len && memcmp(again, text.at, len) == 0);
	must(m.signatures_count <= SINK_SIGNATURES_MAX);
	err = sink_keys_check(keys, &m, &why);
	must(err == SINK_OK || err == SINK_ECORRUPT || err == SINK_EUNSIGNED);
	must((err == SINK_OK) == !why.text[0]);
	must(err != SINK_OK || m.signatures_count > 0);
}

/* The same with a digest that fits, which no fuzzer finds. */
static void as_good_manifest(struct sink_span text, const struct sink_keys *keys)
{
	static const char mark[] = "\nend ";
	const uint8_t *end = text.len ? memmem(text.at, text.len, mark, strlen(mark)) : NULL;
	char copy[SINK_MANIFEST_MAX], digest[SINK_SHA256_TEXT];
	size_t before, at;

	if (!end || text.len > sizeof copy)
		return;
	before = (size_t)(end - text.at) + 1;
	at = before + strlen(mark) - 1;
	if (text.len < at + SINK_SHA256_TEXT - 1)
		return;
	must(sink_sha256(sink_span(text.at, before), digest) == SINK_OK);
	memcpy(copy, text.at, text.len);
	memcpy(copy + at, digest, SINK_SHA256_TEXT - 1);
	as_manifest(sink_span(copy, text.len), keys);
}

static void as_keys(struct sink_span text)
{
	struct sink_why why = { "" };
	struct sink_keys *keys;
	int err = sink_keys_parse(text, &why, &keys);

	must(err == SINK_OK || err == SINK_ECORRUPT);
	must((err == SINK_OK) == !why.text[0]);
	if (err)
		return;
	must(sink_keys_count(keys) > 0 && sink_keys_count(keys) <= SINK_KEYS_MAX);
	for (unsigned i = 0; i < sink_keys_count(keys); i++)
		must(sink_keys_know(keys, sink_keys_id(keys, i)));
	sink_keys_free(keys);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sink_keys *keys; /* made once, and never freed */

	if (!keys)
		must(sink_keys_parse(sink_span_text(KEY), NULL, &keys) == SINK_OK);
	as_manifest(sink_span(data, size), keys);
	as_good_manifest(sink_span(data, size), keys);
	as_keys(sink_span(data, size));
	return 0;
}
